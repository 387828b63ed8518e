"""Runs that differ in settings alone say which."""

import dataclasses

import pytest

from workbench.tracking import RunResult, labels_apart
from workbench.tracking.labels import settings_apart

BASE = RunResult("", "s", "m", "d", "f", "classification", "zero-shot", "0", 0, "finished")


def run(params=None, *, tags=None, **changes):
    return dataclasses.replace(BASE, params=params or {}, tags=tags or {}, **changes)


def labels(*runs, **options):
    made = [dataclasses.replace(each, run_id=str(i)) for i, each in enumerate(runs)]
    return [each.label for each in labels_apart(made, **options)]


def test_the_setting_that_differs_is_named_and_no_other():
    same = {"features": "pooled"}
    assert labels(run({"prompts": "single", **same}), run({"prompts": "ensemble", **same}), run(recipe="gda")) == [
        "zero-shot (prompts=single)", "zero-shot (prompts=ensemble)", "gda",
    ]  # fmt: skip
    assert labels(run(same), run(same, seed=1), run(same, dataset="e")) == ["zero-shot"] * 3


def test_a_setting_is_named_on_every_dataset_and_at_every_number_of_shots():
    assert labels(run({"a": "1"}), run({"a": "2"}, dataset="e"), run({"a": "1"}, dataset="e", shots="4")) == [
        "zero-shot (a=1)", "zero-shot (a=2)", "zero-shot (a=1)",
    ]  # fmt: skip


def test_labels_of_the_user_need_no_settings():
    assert labels(
        run({"a": "1"}, tags={"workbench.label": "one"}), run({"a": "2"}, tags={"workbench.label": "two"})
    ) == ["one", "two"]


def test_two_recipes_of_one_label_are_named():
    tags = {"workbench.label": "best"}
    assert labels(run({"a": "1"}, tags=tags), run({"b": "1"}, tags=tags, recipe="gda")) == [
        "best (recipe=zero-shot)", "best (recipe=gda)",
    ]  # fmt: skip


def test_a_setting_that_older_runs_lack_is_unset_there():
    assert labels(run({"a": "1"}), run()) == ["zero-shot (a=1)", "zero-shot (a unset)"]


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        # Few: all of them.
        ([{"a": 1, "b": 1}, {"a": 2, "b": 2}], [["a=1", "b=1"], ["a=2", "b=2"]]),
        # Many: those that tell apart first, three in all, and that there are more.
        (
            [{"a": 1, "b": 1, "c": 1, "d": 1}, {"a": 1, "b": 2, "c": 2, "d": 2}, {"a": 2, "b": 3, "c": 2, "d": 2}],
            [["a=1", "b=1", "c=1", "..."], ["a=1", "b=2", "c=2", "..."], ["a=2", "b=3", "c=2", "..."]],
        ),
        # As many as it takes.
        (
            [{"a": 1, "b": 0, "c": 0, "d": 0}, {"a": 0, "b": 1, "c": 0, "d": 0}, {"a": 0, "b": 0, "c": 1, "d": 0},
             {"a": 0, "b": 0, "c": 0, "d": 1}, {"a": 0, "b": 0, "c": 0, "d": 0}],
            [["a=1", "b=0", "c=0", "d=0"], ["a=0", "b=1", "c=0", "d=0"], ["a=0", "b=0", "c=1", "d=0"],
             ["a=0", "b=0", "c=0", "d=1"], ["a=0", "b=0", "c=0", "d=0"]],
        ),
        # Long values are shortened, unless they are the same then.
        ([{"a": "x" * 40}, {"a": "y"}], [["a=xxxxxxxxxxxx...xxxxxxxxxxxx"], ["a=y"]]),
        ([{"a": "x" * 20 + c + "x" * 20} for c in "yz"], [["a=" + "x" * 20 + c + "x" * 20] for c in "yz"]),
    ],
)  # fmt: skip
def test_which_settings_are_shown(settings, found):
    assert settings_apart([("r", "r", own) for own in settings]) == found


def test_runs_that_still_look_the_same_say_what_else_differs():
    precise = [run(tags={"precision": precision}, suite=suite) for precision, suite in (("fp32", "a"), ("bf16", "b"))]
    assert labels(*precise) == ["zero-shot (precision=fp32)", "zero-shot (precision=bf16)"]
    assert labels(run(suite="a"), run(suite="b")) == ["zero-shot (suite=a)", "zero-shot (suite=b)"]
    assert labels(run(tags={"workbench.recipe_version": "1"}), run(tags={"workbench.recipe_version": "2"})) == [
        "zero-shot (version=1)", "zero-shot (version=2)",
    ]  # fmt: skip
    # Other models and other states of the dataset have rows and tables of their own.
    assert labels(precise[0], dataclasses.replace(precise[1], model="n")) == ["zero-shot"] * 2
    assert labels(run(tags={"dataset.fingerprint": "1"}, suite="a"), run(suite="b")) == ["zero-shot"] * 2


def test_seeds_of_two_suites_look_the_same_where_they_are_taken_together():
    runs = [run(suite="a"), run(suite="b", seed=1)]
    assert labels(*runs) == ["zero-shot"] * 2
    assert labels(*runs, by_seed=False) == ["zero-shot (suite=a)", "zero-shot (suite=b)"]


def test_twice_is_as_good_as_once():
    once = labels_apart([dataclasses.replace(run({"a": str(i)}), run_id=str(i)) for i in range(2)])
    assert labels_apart(once) == once
