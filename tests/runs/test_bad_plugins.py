"""Recipes of plug-ins that hang, exit, print or do not load: named, recorded as failed, and the rest goes on."""

import json
import sys
import time

import pytest

from tests.faults.verdicts import call
from tests.faults.world import World, build_world
from workbench.recipes import recipes
from workbench.runs.limits import TimeLimitError, time_limit

MODULE = """
import os, sys, time
from workbench.plugin import ClassificationRecipe
print("plug-in says hello")

class Hangs(ClassificationRecipe):
    def fit(self, task):
        while True:
            try:
                time.sleep(0.05)
            except Exception:
                pass

class Exits(ClassificationRecipe):
    def fit(self, task):
        sys.exit(0)

class Prints(ClassificationRecipe):
    def fit(self, task):
        print("noise")
        os.write(1, b"noise below Python")
        raise ValueError("no fit")
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build_world(tmp_path_factory.mktemp("world"), runs=False)


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    (tmp_path / "bad_recipes_pkg.py").write_text(MODULE)
    (tmp_path / "leaves_pkg.py").write_text("raise SystemExit(0)\n")
    info = tmp_path / "bad_recipes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-recipes\nVersion: 1.0\n")
    values = {name.lower(): f"bad_recipes_pkg:{name}" for name in ("Hangs", "Exits", "Prints")}
    values |= {"empty": "", "odd": ":::", "leaves": "leaves_pkg:Recipe"}
    lines = "\n".join(f"{key} = {value}" for key, value in values.items())
    (info / "entry_points.txt").write_text(f"[workbench.recipes]\n{lines}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(recipes.__dict__, "_points", raising=False)
    yield
    recipes.__dict__.pop("_points", None)
    sys.modules.pop("bad_recipes_pkg", None)


def test_each_is_recorded_as_failed_and_the_rest_goes_on(plugins, world: World):
    names = ("hangs", "exits", "prints", "empty", "odd", "leaves", "zero-shot")
    arguments = ["run", "--model", world.places["model"], "--dataset", "photos", "--limit", "0.5", "--json", "--quiet"]
    arguments += [part for name in names for part in ("--recipe", name)]
    called = call(arguments, world.folder, environment=world.environment)
    assert called.code == 1, called
    runs = {run["recipe"]: run for run in json.loads(called.out)}
    assert runs["zero-shot"]["status"] == runs["majority-class"]["status"] == "finished"
    words = {
        "hangs": "took longer than 0.50 s", "exits": "SystemExit: 0", "prints": "ValueError: no fit",
        "empty": "its entry point says ''", "odd": "its entry point says ':::'",
        "leaves": "it exits when it is imported",
    }  # fmt: skip
    for name, expected in words.items():
        assert runs[name]["status"] == "failed"
        assert expected in runs[name]["tags"]["workbench.error"], name
    assert "plug-in says hello" in called.err
    assert "noise" in called.err


def test_a_listing_names_the_broken_ones(plugins, world: World):
    called = call(["list", "recipes", "--probe", "--json"], world.folder, environment=world.environment)
    problems = {row["name"]: row.get("problem") for row in json.loads(called.out)}
    assert all(problems[name] for name in ("empty", "odd", "leaves"))
    assert problems["zero-shot"] is None


def test_a_limit_ends_what_goes_on_after_any_error():
    started = time.monotonic()
    with pytest.raises(TimeLimitError, match=r"0\.20 s"), time_limit(0.2):
        while True:
            try:
                time.sleep(1)
            except Exception:
                continue
    assert time.monotonic() - started < 5
    with time_limit(None):
        pass
