"""An edited recipe is not answered with its old run; a release, a comment and a docstring change nothing."""

import sys
from pathlib import Path

import pytest

from tests.registry.test_registry import distribution
from workbench import results
from workbench.recipes import recipes
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs import source as sources
from workbench.tracking import open_store, read_runs

RECIPE = '''
"""A recipe of somebody else."""
from workbench.plugin import LinearClassifier, ClassificationRecipe, class_embeddings
from guessing.scale import SCALE

class Guess(ClassificationRecipe):
    """Scaled cosines."""
    trains = False

    def fit(self, task):
        weight = class_embeddings(task.model, task.prompts.sentences("single"))
        return LinearClassifier(weight * SCALE)
'''


class Plugin:
    """A package on the path that can be edited and imported anew, as a new process would find it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "guessing"
        self.folder.mkdir()
        for name, text in (("__init__", ""), ("recipe", RECIPE), ("scale", "SCALE = 1.0\n"), ("other", "X = 1\n")):
            self.write(name, text)

    def write(self, module: str, text: str) -> None:
        (self.folder / f"{module}.py").write_text(text)
        for name in [name for name in sys.modules if name.partition(".")[0] == "guessing"]:
            del sys.modules[name]
        sources._digest.cache_clear()
        sources._tree.cache_clear()

    def replace(self, module: str, old: str, new: str) -> None:
        text = (self.folder / f"{module}.py").read_text()
        assert old in text
        self.write(module, text.replace(old, new))

    @property
    def digest(self) -> str:
        return sources.recipe_source("guess").digest


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    site = tmp_path / "plug-in"
    site.mkdir()
    distribution(site, "guessing", {"guess": "guessing.recipe:Guess"}, group="workbench.recipes")
    monkeypatch.syspath_prepend(site)
    recipes.__dict__.pop("_points", None)
    yield Plugin(site)
    recipes.__dict__.pop("_points", None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "guessing"]:
        del sys.modules[name]


class Told:
    def __init__(self):
        self.lines = []

    def say(self, sentence):
        self.lines.append(sentence)

    def progress(self, what, done, total):
        pass


@pytest.mark.parametrize(
    ("module", "old", "new", "same"),
    [
        ("recipe", "weight * SCALE", "-weight * SCALE", False),
        ("scale", "1.0", "2.0", False),  # An imported module of the same package.
        ("other", "1", "2", True),  # Not imported.
        ("recipe", "Scaled cosines", "Cosines, scaled", True),
        ("recipe", "trains = False", "trains  =  False  # zero-shot", True),
        ("recipe", "trains = False", "trains = True", False),
    ],
)
def test_the_digest_is_of_what_the_code_does(plugin, module, old, new, same):
    before = plugin.digest
    plugin.replace(module, old, new)
    assert (plugin.digest == before) is same


def test_imports_inside_functions_relative_ones_and_whole_packages_count(plugin):
    plugin.replace("recipe", "from guessing.scale import SCALE", "from . import scale; SCALE = scale.SCALE")
    before = plugin.digest
    plugin.write("scale", "SCALE = 3.0\n")
    assert plugin.digest != before
    plugin.replace("recipe", "weight = ", "import guessing.other\n        weight = ")
    before = plugin.digest
    plugin.write("other", "X = 5\n")
    assert plugin.digest != before
    before = plugin.digest
    plugin.write("__init__", "import os\n")
    assert plugin.digest != before


def test_a_built_in_recipe_of_a_release_goes_by_its_version(monkeypatch):
    assert sources.recipe_source("gda").decides  # The tests run on an editable install.
    owner = recipes.distribution("gda")
    monkeypatch.setattr(recipes, "distribution", lambda _: type(owner)(owner.name, editable=False))
    monkeypatch.setattr(sources, "_file", lambda _: Path("/usr/lib/python3/site-packages/adapters/gda.py"))
    monkeypatch.setattr(sources, "_digest", lambda _: "of the release")
    assert sources.recipe_source("gda") == sources.RecipeSource("of the release", decides=False)


def test_an_edited_recipe_runs_anew_says_so_and_replaces_its_run(plugin, settings, tiny_model, make_colours):
    suite = Suite(
        name="s", models=(tiny_model,), datasets=(str(make_colours()),), figures=False,
        recipes=(RecipeEntry(recipe="guess"),),
    )  # fmt: skip

    def ran():
        told = Told()
        runs = {run.recipe: run for run in run_suite(suite, settings, reporter=told)}
        return runs, told.lines

    first, _ = ran()
    assert first["guess"].status == "finished"
    assert first["guess"].tags["workbench.recipe_source"] == plugin.digest
    plugin.replace("recipe", "Scaled", "Very scaled")
    commented, lines = ran()
    assert commented["guess"].run_id == first["guess"].run_id
    assert lines == ["2 of 2 runs are finished already."]
    plugin.replace("scale", "1.0", "-1.0")
    second, lines = ran()
    assert second["guess"].run_id != first["guess"].run_id
    assert second["majority-class"].run_id == first["majority-class"].run_id
    assert "recipe 'guess' was edited since its last results: 1 run is made anew." in lines
    assert second["guess"].metrics["nll"] != first["guess"].metrics["nll"]
    assert {run.run_id for run in read_runs(open_store(settings))} == {run.run_id for run in second.values()}
    # What fails now does not count as finished because it once was.
    plugin.replace("recipe", "weight = ", "raise RuntimeError('half-way edited')\n        weight = ")
    third, _ = ran()
    assert third["guess"].status == "failed"


def test_runs_of_an_older_source_are_left_out_of_tables(plugin, settings, tiny_model, make_colours):
    folder = str(make_colours())
    for name in ("before", "after"):
        entry = RecipeEntry(recipe="guess")
        run_suite(Suite(name=name, models=(tiny_model,), datasets=(folder,), recipes=(entry,)), settings)
        plugin.replace("scale", "1.0", "1.0 + 1.0")
    frame = results(**settings.model_dump(include={"cache", "runs"}))
    assert frame.attrs["left_out"] == 1
    assert set(frame.loc[frame["recipe"] == "guess", "suite"]) == {"after"}
