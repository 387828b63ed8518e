"""Which runs stand side by side: those on the state of the newest finished one."""

import dataclasses

import pytest

from workbench.metrics.protocol import PROTOCOL
from workbench.tracking import RunResult, left_out, newest_state, schema

BASE = RunResult("", "s", "m", "d", "f", "classification", "r", "4", 0, "finished")


def kept(*runs):
    """Positions kept of runs given newest first."""
    made = [dataclasses.replace(run, run_id=str(i)) for i, run in enumerate(runs)]
    return [int(run.run_id) for run in newest_state(made)]


def run(fingerprint="new", *, tags=None, **changes):
    return dataclasses.replace(BASE, tags={"dataset.fingerprint": fingerprint} | (tags or {}), **changes)


def test_older_states_of_a_dataset_are_left_out_in_all_suites_and_other_datasets_are_not_touched():
    assert kept(run(), run("old"), run("old", suite="t"), run("old", dataset="e"), run(seed=1)) == [0, 3, 4]


@pytest.mark.parametrize("tag", ["workbench.protocol", "model.fingerprint", "workbench.recipe_version"])
def test_so_are_other_protocols_models_and_recipes(tag):
    now, then = PROTOCOL, f"{PROTOCOL}-before"
    assert kept(run(tags={tag: now}), run(tags={tag: then}), run(tags={tag: now}, seed=1)) == [0, 2]


def test_runs_of_another_protocol_are_left_out_even_alone_and_said():
    old = [dataclasses.replace(run(tags={"workbench.protocol": "1"}), run_id=str(i)) for i in range(2)]
    assert newest_state(old) == []
    (sentence,) = left_out(old, [])
    assert sentence.startswith("2 of 2 runs are left out: this version makes numbers in another way")
    other = dataclasses.replace(run("old"), run_id="2")
    assert [text.split(":")[0] for text in left_out([*old, other], [])] == [
        "2 of 3 runs are left out", "1 of 3 runs is left out",
    ]  # fmt: skip
    assert left_out(old, old) == []


def test_a_model_or_recipe_is_held_against_its_own_newest_run_only():
    one, other = {"model.fingerprint": "1"}, {"model.fingerprint": "2"}
    assert kept(run(tags=one), run(tags=other, model="n")) == [0, 1]
    one, other = {"workbench.recipe_version": "1"}, {"workbench.recipe_version": "2"}
    assert kept(run(tags=one), run(tags=other, recipe="q")) == [0, 1]


@pytest.mark.parametrize("tag", ["precision", "workbench.refit"])
def test_precision_and_refitting_are_a_suites_choice(tag):
    assert kept(run(tags={tag: "a"}), run(tags={tag: "b"}), run(tags={tag: "b"}, suite="t")) == [0, 2]


def test_an_old_state_of_the_dataset_says_nothing_about_the_model():
    moved = run("old", tags={"model.fingerprint": "2"}, recipe="q")
    assert kept(run(tags={"model.fingerprint": "none"}, model="none"), moved, run(tags={"model.fingerprint": "1"})) == [
        0, 2,
    ]  # fmt: skip


def test_a_run_that_did_not_finish_pushes_nothing_out_and_goes_once_a_newer_one_has_finished():
    assert kept(run("broken", status="failed"), run(), run("older", status="failed")) == [0, 1]
    assert kept(run("a", status="failed"), run("b", status="failed")) == [0, 1]


def test_languages_are_apart():
    assert kept(run(), run("ja", tags={"language": "ja"})) == [0, 1]


def test_generated_images_held_against_something_else_are_no_older_state():
    judged = [run(name, task="generation", tags={schema.REFERENCE: name}) for name in ("none", "photos")]
    assert kept(*judged) == [0, 1]
