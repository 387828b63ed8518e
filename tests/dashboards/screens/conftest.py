"""A store with runs of each status."""

import pytest

from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.settings import Settings


@pytest.fixture(autouse=True)
def _nothing_cached():
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


def fill(settings, tiny_model, folder):
    entries = (
        RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe="linear-probe", shots=(1, 4), seeds=(0, 1)),
        RecipeEntry(recipe="lora", config={"targets": ["nowhere"]}),
    )  # fmt: skip
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(folder),), recipes=entries, figures=False)
    return run_suite(suite, settings)


@pytest.fixture(scope="module")
def filled(tmp_path_factory, tiny_model, write_colours):
    """A store that no test changes."""
    root = tmp_path_factory.mktemp("filled")
    settings = Settings(cache=root / "cache", runs=root / "runs", precision="fp32", device="cpu")
    return settings, fill(settings, tiny_model, write_colours(root / "colours"))


@pytest.fixture
def store(filled, monkeypatch):
    """Settings of that store; the pages find it by the environment."""
    settings, _ = filled
    monkeypatch.setenv("WORKBENCH_CACHE", str(settings.cache))
    monkeypatch.setenv("WORKBENCH_RUNS", str(settings.runs))
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    return settings


@pytest.fixture
def runs(filled, store):
    return filled[1]


@pytest.fixture
def own_runs(settings, tiny_model, make_colours, monkeypatch):
    """A store of the test's own, to break."""
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    return fill(settings, tiny_model, make_colours())
