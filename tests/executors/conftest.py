"""A suite and what it gives in one undisturbed process; recipes that kill their own process, or wait."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.suites import MODULE, Told, Undisturbed, suite_of
from workbench.recipes import recipes
from workbench.runs import run_suite
from workbench.settings import Settings


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_model, write_colours) -> Undisturbed:
    """Data, a model, and keys and metrics of each run as this process alone makes them."""
    folder = tmp_path_factory.mktemp("undisturbed")
    data = [write_colours(folder / name, seed=seed) for seed, name in enumerate(("colours", "paints"))]
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite, told = suite_of(tiny_model, *data), Told()
    return Undisturbed(suite, settings, run_suite(suite, settings, reporter=told), told.extracted)


@pytest.fixture
def odd_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install recipes that die or wait for this process and those that it starts; the folder of their marks."""
    site = tmp_path / "site"
    info = site / "odd_recipes-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "odd_recipes_pkg.py").write_text(MODULE.replace("MARKS", str(tmp_path)))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-recipes\nVersion: 1.0\n")
    names = {"dies": "Dies", "dies-once": "DiesOnce", "waits": "Waits", "loses-its-node": "LosesItsNode"}
    points = "".join(f"{name} = odd_recipes_pkg:{value}\n" for name, value in names.items())
    (info / "entry_points.txt").write_text(f"[workbench.recipes]\n{points}")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))
    monkeypatch.delitem(recipes.__dict__, "_points", raising=False)
    yield tmp_path
    recipes.__dict__.pop("_points", None)
    sys.modules.pop("odd_recipes_pkg", None)
