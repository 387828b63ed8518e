"""Datasets of one name stay apart by place; moved ones, copies and older states stay together."""

import dataclasses

import pytest

from workbench.tracking import RunResult, datasets_apart, is_on, newest_state

BASE = RunResult("", "s", "m", "images", "f", "classification", "r", "4", 0, "finished")


def run(place, fingerprint="1", *, dataset="images", tags=None, **changes):
    own = {"dataset.fingerprint": fingerprint, **({"dataset.place": place} if place else {}), **(tags or {})}
    return dataclasses.replace(BASE, dataset=dataset, tags=own, **changes)


def named(*runs):
    """What the datasets of runs, given newest first, are called."""
    made = [dataclasses.replace(each, run_id=str(i)) for i, each in enumerate(runs)]
    return [each.dataset for each in datasets_apart(made)]


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (["/x/siteA/images", "/x/siteB/images"], ["siteA/images", "siteB/images"]),
        (["/x/a/data/images", "/x/b/data/images"], ["a/data/images", "b/data/images"]),
        (["/images", "/x/images"], ["images", "x/images"]),
        (["C:\\siteA\\Images", "C:\\siteB\\Images"], ["siteA/Images", "siteB/Images"]),
        (["/x/a/card.toml", "/x/b/card.toml"], ["images (a/card.toml)", "images (b/card.toml)"]),
        (["/x/images", "clip-workbench"], ["x/images", "images (clip-workbench)"]),
    ],
)
def test_the_shortest_ends_of_paths_that_differ(places, names):
    assert named(*(run(place, str(i)) for i, place in enumerate(places))) == names


def test_one_place_is_one_dataset_and_its_older_states_have_its_name():
    assert named(run("/x/images", "2"), run("/x/images", "1")) == ["images", "images"]
    both = run("/x/a/images", "2"), run("/x/b/images", "3"), run("/x/a/images", "1"), run("/x/b/images", "1")
    # What b was before, a was too; a has moved on, and neither is told which of them the oldest runs belong to by it.
    assert named(*both) == ["a/images", "b/images", "a/images", "b/images"]


def test_equal_content_is_one_dataset_until_one_of_them_changes():
    assert named(run("/x/a/images"), run("/x/b/images")) == ["images", "images"]
    changed = run("/x/b/images", "2"), run("/x/b/images", "1"), run("/x/a/images", "1")
    # What lay in b before lies in a still.
    assert named(*changed) == ["b/images", "a/images", "a/images"]


def test_a_run_without_a_place_is_on_the_newest_of_its_name_or_on_its_content():
    runs = run("/x/a/images", "1"), run("/x/b/images", "2"), run(None, "0"), run(None, "2")
    assert named(*runs) == ["a/images", "b/images", "a/images", "b/images"]
    assert named(run(None, "1"), run(None, "2")) == ["images", "images"]


def test_a_run_that_failed_says_nothing_of_the_state():
    runs = run("/x/a/images", "9", status="failed"), run("/x/a/images", "1"), run("/x/b/images", "1")
    assert named(*runs) == ["images"] * 3


def test_languages_of_one_dataset_are_joined_by_their_place():
    japanese = {"language": "ja"}
    runs = run("/x/a/images", "1ja", tags=japanese), run("/x/a/images", "1"), run("/x/b/images", "1")
    assert named(*runs) == ["images"] * 3
    assert named(*runs, run("/x/c/images", "3"))[:3] == ["a/images"] * 3


def test_other_names_are_not_touched_and_telling_apart_twice_is_as_good_as_once():
    runs = [run("/x/a/images", "1"), run("/x/b/images", "2"), run("/x/leaves", dataset="leaves")]
    once = datasets_apart([dataclasses.replace(each, run_id=str(i)) for i, each in enumerate(runs)])
    assert [each.dataset for each in once] == ["a/images", "b/images", "leaves"]
    assert once == datasets_apart(once)
    assert [each.card_name for each in once] == ["images", "images", "leaves"]


def test_none_is_another_state_of_the_other():
    runs = [dataclasses.replace(run(f"/x/{site}/images", site), run_id=site) for site in "abc"]
    assert newest_state(datasets_apart(runs)) == datasets_apart(runs)


@pytest.mark.parametrize("name", ["images", "siteA/images", "x/siteA/images", "/x/siteA/images", "siteA/images/"])
def test_a_dataset_is_meant_by_its_name_or_the_end_of_its_path(name):
    first, other = datasets_apart(
        [dataclasses.replace(run(f"/x/{site}/images", site), run_id=site) for site in ("siteA", "siteB")]
    )
    assert is_on(first, name)
    assert is_on(other, name) is (name == "images")
    assert not is_on(first, "eA/images")
    assert not is_on(run(None), "siteA/images")
