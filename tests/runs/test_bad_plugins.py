"""Recipes of plug-ins that hang, exit, print or do not load: named, recorded as failed, and the rest goes on."""

import json
import sys
import time
from pathlib import Path

import pytest

import workbench
from tests.faults.verdicts import call
from tests.faults.world import World, build_world
from workbench.errors import WorkbenchError
from workbench.recipes import recipes
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.failing import RunFailedError
from workbench.runs.limits import TimeLimitError, time_limit
from workbench.runs.workspace import WorkspaceError
from workbench.tracking import open_store, read_runs
from workbench.tracking.reading import artifact_path, traceback_place

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

class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError

class Mute(ClassificationRecipe):
    def fit(self, task):
        raise Unprintable

class Leaks(ClassificationRecipe):
    def fit(self, task):
        raise ValueError("https://ann:s3cretive@example.org")
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build_world(tmp_path_factory.mktemp("world"), runs=False)


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    (tmp_path / "bad_recipes_pkg.py").write_text(MODULE)
    (tmp_path / "leaves_pkg.py").write_text("raise SystemExit(0)\n")
    (tmp_path / "no_import_pkg.py").write_text("import nothing_of_that_name\n")
    info = tmp_path / "bad_recipes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-recipes\nVersion: 1.0\n")
    values = {name.lower(): f"bad_recipes_pkg:{name}" for name in ("Hangs", "Exits", "Prints", "Mute", "Leaks")}
    values |= {"empty": "", "odd": ":::", "leaves": "leaves_pkg:Recipe", "unmet": "no_import_pkg:Recipe"}
    lines = "\n".join(f"{key} = {value}" for key, value in values.items())
    (info / "entry_points.txt").write_text(f"[workbench.recipes]\n{lines}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(recipes.__dict__, "_points", raising=False)
    yield
    recipes.__dict__.pop("_points", None)
    sys.modules.pop("bad_recipes_pkg", None)


def suite_of(world: World, *names, **values):
    entries = tuple(RecipeEntry(recipe=name) for name in names)
    photos = str(world.folder / "photos")
    return Suite(
        name="bad", models=(world.places["model"],), datasets=(photos,), recipes=entries, baseline=False, figures=False,
        **values,
    )  # fmt: skip


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


def test_the_traceback_of_a_failed_run_is_an_artifact_of_it(plugins, world: World, settings):
    runs = {run.recipe: run for run in run_suite(suite_of(world, "prints", "unmet", "mute", "leaks"), settings)}
    store = open_store(settings)
    texts = {name: artifact_path(store, run, "traceback.txt").read_text() for name, run in runs.items()}
    assert texts["prints"].startswith("Traceback (most recent call last):")
    assert 'raise ValueError("no fit")' in texts["prints"]
    assert "No module named 'nothing_of_that_name'" in texts["unmet"]
    assert "Unprintable" in texts["mute"]
    assert "cannot be printed" in runs["mute"].tags["workbench.error"]
    assert "s3cretive" not in texts["leaks"]
    assert "https://ann:***@example.org" in texts["leaks"].splitlines()[-1]
    place = Path(traceback_place(store, runs["prints"]))
    assert place.read_text() == texts["prints"]
    place.write_text("something else")
    with pytest.raises(WorkbenchError, match="damaged"):
        artifact_path(store, runs["prints"], "traceback.txt")


def test_the_traceback_of_a_hanging_recipe_shows_where_it_hung(plugins, world: World, settings):
    run = run_suite(suite_of(world, "hangs", limit_seconds=0.3), settings)[0]
    assert "time.sleep(0.05)" in artifact_path(open_store(settings), run, "traceback.txt").read_text()


def test_a_reason_is_recorded_where_there_is_no_place_for_the_traceback(plugins, world: World, settings, monkeypatch):
    def full(*_):
        raise WorkspaceError("full")

    monkeypatch.setattr("workbench.runs.failing.run_folder", full)
    run = run_suite(suite_of(world, "prints"), settings)[0]
    assert run.tags["workbench.error"] == "ValueError: no fit"
    assert traceback_place(open_store(settings), run) == ""


@pytest.mark.parametrize(("name", "error"), [("prints", ValueError), ("exits", SystemExit)])
def test_raise_error_stops_with_the_recipes_own_error_once_the_run_is_recorded(
    name, error, plugins, world: World, settings
):
    names = (name, "zero-shot")
    with pytest.raises(RunFailedError) as stopped:
        run_suite(suite_of(world, *names), settings, raise_error=True)
    assert isinstance(stopped.value.error, error)
    assert [(run.recipe, run.status) for run in read_runs(open_store(settings))] == [(name, "failed")]
    with pytest.raises(error) as raised:
        workbench.run(suite_of(world, *names), raise_error=True, **settings.model_dump())
    assert raised.traceback[-1].name == "fit"
    assert [run.status for run in read_runs(open_store(settings))] == ["failed"]


def test_raise_error_leaves_no_run_of_the_group_running(plugins, world: World, settings, monkeypatch):
    def broken(*_):
        raise ValueError("no evaluation")

    monkeypatch.setattr("workbench.runs.recording.evaluate", broken)
    with pytest.raises(RunFailedError, match="no evaluation"):
        run_suite(suite_of(world, "linear-probe", shots=(1,), seeds=(0, 1, 2)), settings, raise_error=True)
    runs = read_runs(open_store(settings))
    assert sorted(run.status for run in runs) == ["failed", "killed", "killed"]
    assert all("no evaluation" in run.tags["workbench.error"] for run in runs)


def test_the_command_prints_the_traceback_and_shows_where_it_is_kept(plugins, world: World):
    arguments = ["run", "--model", world.places["model"], "--dataset", "photos", "--recipe", "prints"]
    arguments += ["--recipe", "zero-shot", "--name", "stops", "--raise-error"]
    called = call([*arguments, "--json"], world.folder, environment=world.environment)
    assert called.code == 1, called
    assert json.loads(called.out) == {"error": "ValueError: no fit"}
    assert 'raise ValueError("no fit")\nValueError: no fit\n' in called.err
    listed = call(["results", "--suite", "stops", "--json"], world.folder, environment=world.environment)
    runs = {run["recipe"]: run for run in json.loads(listed.out)}
    assert "zero-shot" not in runs
    shown = call(["show", "run", runs["prints"]["run_id"]], world.folder, environment=world.environment)
    place = next(line for line in shown.out.splitlines() if line.startswith("traceback: "))
    assert 'raise ValueError("no fit")' in Path(place.removeprefix("traceback: ")).read_text()


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
