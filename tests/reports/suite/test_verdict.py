"""The verdict on a dataset against what was planted, and against the comparisons that it is made of."""

import itertools
import json

import pytest

from tests.runs.comparisons.conftest import Suite
from workbench.reports.suite import suite_json, suite_text
from workbench.reports.suite.verdict import verdict, verdicts
from workbench.reports.suite.verdict_words import cautions, in_words, next_steps


def filled(*recipes, n=300, seeds=2, groups=None, tags=None):
    """A suite of (recipe, shots, signal), zero-shot and the majority class at 0 shots."""
    suite = Suite()
    suite.write("majority-class", signal=0.0, shots="all", model="none", n=n, groups=groups)
    for recipe, shots, signal in recipes:
        for seed in range(1 if shots == "0" else seeds):
            suite.write(recipe, signal=signal, shots=shots, seed=seed, n=n, groups=groups, tags=tags,
                        train_images=3.0 * int(shots))  # fmt: skip
    return suite


@pytest.fixture
def three_levels():
    """Two that are alike, one that is worse, and zero-shot."""
    return filled(("gda", "4", 3.0), ("probe", "4", 2.95), ("knn", "4", 1.5), ("zero-shot", "0", 0.7)).comparison()


def test_ranks_count_those_that_are_evidently_better(three_levels):
    found = verdict(three_levels, "trees")
    assert {place.label: place.rank for place in found.places} == {"gda": 1, "probe": 1, "knn": 3, "zero-shot": 4}
    assert [place.label for place in found.ties] == [place.label for place in found.places if place.rank == 1][1:]
    values = [place.entry.estimate.value for place in found.places]
    assert values == sorted(values, reverse=True)
    # By hand, from the comparisons themselves.
    for place, other in itertools.permutations(found.places, 2):
        (pair,) = (
            p for p in three_levels.pairs if {p.first.group.label, p.other.group.label} == {place.label, other.label}
        )
        assert pair.decided == ({place.label, other.label} != {"gda", "probe"})


def test_the_answer_in_words_holds_the_numbers_of_the_comparison(three_levels):
    found = verdict(three_levels, "trees")
    pair = found.against_zero_shot
    said = " ".join(in_words(found))
    best, tied = found.best.group.label, found.ties[0].label
    assert said.startswith(f"{best}: {100 * found.best.estimate.value:.1f} % accuracy at 4 shots, ")
    assert f"{100 * pair.difference.value:+.1f} points against zero-shot (p < 0.001 after Holm correction)" in said
    assert f"{tied} cannot be told apart from it" in said
    assert "300 test images, 2 seeds" in said
    assert pair.difference.value == pytest.approx(found.best.estimate.value - found.places[-1].entry.estimate.value)


def test_the_quickest_is_chosen_among_the_ties_alone():
    suite = filled(("gda", "4", 3.0), ("probe", "4", 2.95), ("knn", "4", 1.5))
    for run in suite.runs:
        run.metrics["train_seconds"] = {"gda": 9.0, "probe": 2.0, "knn": 0.1}.get(run.recipe, 0.0)
    found = verdict(suite.comparison(), "trees")
    assert found.cheapest.group.label == "probe"
    assert "Quickest to train of these: probe (2.0 s)" in " ".join(in_words(found))


def test_what_is_below_the_majority_class_is_named():
    found = verdict(filled(("probe", "4", 3.0), ("zero-shot", "0", -2.0)).comparison(), "trees")
    assert [place.label for place in found.places if place.under_baseline] == ["zero-shot"]
    assert "Below majority-class" in " ".join(in_words(found))
    assert "no evidence that" not in " ".join(in_words(found))


def test_nothing_is_claimed_where_nothing_is_better_than_the_majority_class():
    found = verdict(filled(("probe", "4", 0.02), ("zero-shot", "0", 0.0), n=60).comparison(), "trees")
    said = " ".join(in_words(found))
    assert "There is no evidence that" in said
    assert "better than majority-class" in said
    assert "better than every other" not in said


def test_zero_shot_can_be_the_answer():
    found = verdict(filled(("probe", "1", 0.5), ("probe", "4", 0.8), ("zero-shot", "0", 3.0)).comparison(), "trees")
    assert found.best.group.label == "zero-shot"
    assert found.shots == "4"
    assert {place.label for place in found.places} == {"zero-shot", "probe"}
    assert "against zero-shot" not in " ".join(in_words(found))


def test_more_labels_are_advised_by_the_test_of_most_against_fewest_shots():
    helped = verdict(filled(("probe", "1", 0.8), ("probe", "4", 3.0)).comparison(), "trees")
    assert any(step.startswith("More labels helped so far (probe, 1 to 4 shots: +") for step in next_steps(helped))
    flat = verdict(filled(("probe", "1", 2.0), ("probe", "4", 2.01)).comparison(), "trees")
    assert any(step.startswith("More labels are not shown to help") for step in next_steps(flat))
    once = verdict(filled(("probe", "4", 2.0)).comparison(), "trees")
    assert any("another `--shots`" in step for step in next_steps(once))


def test_what_is_missing_is_said_and_what_is_there_is_not():
    bare = Suite()
    bare.write("probe", signal=2.0)
    steps = " ".join(next_steps(verdict(bare.comparison(), "trees")))
    for expected in (
        "names no groups",
        "There is one seed",
        "majority class was not run",
        "Zero-shot was not run",
        "Only m",
    ):
        assert expected in steps
    groups = [f"g{i // 3}" for i in range(300)]
    suite = filled(("probe", "1", 2.0), ("probe", "4", 2.5), ("zero-shot", "0", 0.5), groups=groups)
    suite.write("probe", signal=2.0, model="other", n=300, groups=groups)
    steps = " ".join(next_steps(verdict(suite.comparison(), "trees")))
    for unexpected in ("names no groups", "There is one seed", "was not run", "was tried"):
        assert unexpected not in steps


def test_a_model_that_is_no_clip_and_few_groups_are_cautioned():
    groups = [f"g{i // 50}" for i in range(300)]
    tags = {"model.notice": "not CLIP-pretrained: a stand-in"}
    found = verdict(
        filled(("probe", "4", 2.0), ("zero-shot", "0", 0.5), groups=groups, tags=tags).comparison(), "trees"
    )
    said = cautions(found)
    assert sum("m is not CLIP-pretrained" in line for line in said) == 1
    assert any("fewer than 20 groups" in line for line in said)
    assert cautions(verdict(filled(("probe", "4", 2.0)).comparison(), "trees")) == []


def test_another_model_is_named_beside_the_best_and_compared_with_nothing():
    suite = filled(("probe", "4", 2.0))
    suite.write("probe", signal=3.5, model="larger", n=300)
    found = verdict(suite.comparison(), "trees")
    assert (found.model, [entry.run.model for entry in found.others]) == ("larger", ["m"])
    assert "With m: probe" in " ".join(in_words(found))
    assert verdict(suite.comparison(), "trees", "m").others == ()


def test_a_metric_that_is_better_low_is_answered_the_other_way_round():
    suite = filled(("gda", "4", 3.0), ("knn", "4", 0.5))
    found = verdict(suite.comparison("nll"), "trees")
    values = [place.entry.estimate.value for place in found.places]
    assert values == sorted(values)
    assert found.places[0].rank == 1


def test_terminal_and_json_say_the_same_and_a_filter_changes_no_verdict(three_levels):
    (found,) = verdicts(three_levels)
    said = " ".join(in_words(found))
    assert said in " ".join(suite_text(three_levels, width=400).split())
    part = suite_text(three_levels, {"recipe": ("knn",)}, width=400)
    assert said in " ".join(part.split())
    (written,) = json.loads(suite_json(three_levels, {"recipe": ("knn",)}))["verdicts"]
    assert written["sentences"] == in_words(found)
    assert written["ranks"] == {place.label: place.rank for place in found.places}


def test_a_suite_of_the_majority_class_alone_has_no_verdict():
    suite = Suite()
    suite.write("majority-class", signal=0.0, shots="all", model="none")
    assert verdicts(suite.comparison()) == []
