"""Runs whose features come from a store in an object store."""

import pytest

from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.settings import Settings

pytest_plugins = ("tests.object_stores",)
ROOT = "s3://study/features"


def test_another_place_runs_without_computing(s3, tmp_path, tiny_model, make_colours, monkeypatch):
    entry = RecipeEntry(recipe="linear-probe", config={"penalties": [1e-2]})
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(make_colours()),), recipes=(entry,), figures=False)

    def metrics(place: str, *, publish: bool = False) -> dict[str, float]:
        settings = Settings(
            cache=tmp_path / place / "cache", runs=tmp_path / place / "runs", precision="fp32", device="cpu",
            features=ROOT, publish_features=publish,
        )  # fmt: skip
        runs = {run.recipe: run for run in run_suite(suite, settings, raise_error=True)}
        assert {run.status for run in runs.values()} == {"finished"}
        return {name: runs["linear-probe"].metrics[name] for name in ("accuracy", "nll")}

    first = metrics("one", publish=True)

    def computed(*_: object) -> None:
        raise AssertionError("features are computed again")

    monkeypatch.setattr("workbench.features.extraction._compute", computed)
    monkeypatch.setattr("workbench.features.texts.TextCache._encode", computed)
    assert metrics("two") == pytest.approx(first)
