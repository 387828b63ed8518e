"""Cards with `[decisions]` and subgroups: what is refused, when, and in which words."""

import pytest

from workbench.datasets import open_dataset
from workbench.datasets.card_reading import parse_card
from workbench.errors import CardError, DataError, WorkbenchError
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.tasks.classification.deciding import positives_of

HEAD = 'name = "colours"\n[source]\ntype = "folder"\npath = "colours"\n'


def card(text, head=""):
    return parse_card(f"{head}{HEAD}{text}", "colours.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[decisions]\npoints = ["yuoden"]', "'yuoden' is no operating point; there are 'youden', 'sensitivity=S'"),
        ('[decisions]\npoints = ["cost=2", "cost=2"]', "operating point 'cost=2' is named twice"),
        ("[decisions]\nprevalence = 2", "prevalence"),
        ('[decisions]\njoin = "median"', "join"),
        ("[decisions]\ncoverage = 1.0", "coverage"),
        ('[decisions]\nthreshold = "youden"', "threshold"),
    ],
)
def test_what_is_no_decision_is_refused(text, words):
    with pytest.raises(CardError, match=words):
        card(text)


def test_several_labels_have_no_decisions():
    with pytest.raises(CardError, match="is for classification with one label an image"):
        card('[columns]\nlabel = "label"\n[decisions]\ncoverage = 0.9', "multi_label = true\n")


def test_other_cards_measure_what_they_did():
    names = {metric.name for metric in card("").run_metrics}
    assert not [
        name for name in names if name.startswith(("group_", "subgroup_", "uncalibrated_", "set_", "positive_"))
    ]
    assert card("").fingerprint_parts() == []
    more = {metric.name for metric in card('[decisions]\njoin = "mean"\ncalibration = "vector"').run_metrics}
    assert {"group_accuracy", "uncalibrated_nll", "positive_auroc"} <= more - names


def opened(folder, settings, text, head=""):
    path = folder.parent / "colours.toml"
    path.write_text(f"{head}{HEAD}{text}", encoding="utf-8")
    return path, open_dataset(str(path), settings)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ('positive_class = "purple"\n', "positive_class 'purple' is no class; these are: blue, green, red"),
        ('positive_class = ["red", "green", "blue"]\n', "positive_class names all of its classes"),
        ("positive_class = []\n", "positive_class names none of its classes"),
    ],
)
def test_positive_classes_are_some_of_the_classes(make_colours, settings, head, words):
    _, dataset = opened(make_colours(), settings, "", head)
    with pytest.raises(DataError, match=words):
        positives_of(dataset)


def test_runs_that_could_not_choose_are_refused_before_any_work(make_colours, settings, tiny_model):
    folder = make_colours()

    def run(text, recipe, head=""):
        path, _ = opened(folder, settings, text, head)
        entries = (RecipeEntry(recipe=recipe),)
        suite = Suite(name="s", models=(tiny_model,), datasets=(str(path),), recipes=entries, baseline=False)
        return run_suite(suite, settings)

    with pytest.raises(WorkbenchError, match=r"decisions\.points needs positive_class in the card, since there are 3"):
        run('[decisions]\npoints = ["youden"]', "linear-probe")
    with pytest.raises(WorkbenchError, match="recipe 'transclip' is transductive"):
        run("[decisions]\ncoverage = 0.9", "transclip")
    (failed,) = run('[decisions]\njoin = "mean"', "zero-shot")
    assert "decisions.join: needs groups; name them in columns.group" in failed.tags["workbench.error"]
