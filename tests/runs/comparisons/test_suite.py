"""A suite compared over seeds and datasets."""

import itertools

import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.metrics import compare_paired, holm


def by_name(comparison):
    return {(e.run.dataset, e.group.label, e.run.shots): e for e in comparison.results}


def test_seeds_become_mean_spread_and_interval(planted):
    comparison = planted.comparison()
    assert len(comparison.results) == 2 * (2 + 2 * 3)
    entry = by_name(comparison)["trees", "probe", "4"]
    accuracies = [run.metrics["accuracy"] for run in entry.group.runs]
    assert [run.seed for run in entry.group.runs] == [0, 1, 2]
    assert entry.estimate.value == pytest.approx(np.mean(accuracies))
    assert entry.spread == pytest.approx(np.std(accuracies, ddof=1))
    assert entry.estimate.low < entry.estimate.value < entry.estimate.high
    assert np.isnan(by_name(comparison)["trees", "zero-shot", "0"].spread)


def test_pairs_are_those_that_meet_each_once_and_corrected_together(planted):
    comparison = planted.comparison()
    trees = [p for p in comparison.pairs if p.first.run.dataset == "trees" and p.kind == "recipes"]
    found = {frozenset((p.first.group.label, p.other.group.label, p.shots)) for p in trees}
    # Zero-shot and majority meet once; with two recipes at three levels of shots they make five pairs at each.
    assert len(trees) == len(found) == 1 + 3 * 5
    assert [p.p_corrected for p in comparison.pairs] == pytest.approx(
        holm([p.difference.p_value for p in comparison.pairs])
    )
    better = next(p for p in trees if {p.first.group.label, p.other.group.label} == {"probe", "zero-shot"})
    assert better.first.group.label == "probe"


def test_a_pair_is_the_paired_comparison_of_all_seeds(planted):
    comparison = planted.comparison()
    pair = next(p for p in comparison.pairs if p.shots == "4" and {"probe", "adapter"} == {
        p.first.group.label, p.other.group.label})  # fmt: skip
    stacked = [
        np.stack([planted.predictions[run.run_id].scores for run in side.group.runs])
        for side in (pair.first, pair.other)
    ]
    labels = planted.predictions[pair.first.run.run_id].labels
    alone = compare_paired(*stacked, labels)
    assert (pair.difference.value, pair.difference.low, pair.difference.high) == (alone.value, alone.low, alone.high)
    assert not pair.decided
    assert pair.sentence.startswith("No evidence of a difference")


def test_more_shots_are_those_that_bring_images(planted):
    comparison = planted.comparison()
    growth = [p for p in comparison.pairs if p.kind == "shots"]
    # 16 shots hold no more images than 4, so 4 against 1 are compared.
    assert {(p.first.run.shots, p.other.run.shots) for p in growth} == {("4", "1")}
    assert len(growth) == 4
    assert all(p.decided and p.difference.low > 0 for p in growth)
    assert "at 4 shots is better than" in growth[0].sentence


def test_ranks_leave_the_majority_class_out_and_say_that_two_datasets_are_few(planted):
    comparison = planted.comparison()
    assert [r.shots for r in comparison.rankings] == ["1", "4", "16"]
    ranking = comparison.rankings[0]
    assert set(ranking.labels) == {"probe", "adapter", "zero-shot"}
    assert ranking.datasets == ("ferns!", "trees")
    assert sum(ranking.ranks) == pytest.approx(6)
    assert ranking.labels[-1] == "zero-shot"
    text = " ".join(ranking.sentences)
    assert "no two recipes can be told apart by their ranks" in text
    assert "2 datasets are few" in text


def test_many_datasets_can_tell_recipes_apart(suite):
    names = ["".join(letters) for letters in itertools.islice(itertools.permutations("abcdef"), 12)]
    for name in names:
        for recipe, signal in (("bad", 0.2), ("fair", 1.2), ("good", 2.5)):
            suite.write(recipe, signal=signal, dataset=name, n=60)
    (ranking,) = suite.comparison().rankings
    assert ranking.labels[0] == "good"
    assert ranking.p_value < 0.01
    assert "good ranks better than" in " ".join(ranking.sentences)
    assert "few" not in " ".join(ranking.sentences)


def test_what_does_not_fit_the_newest_run_is_left_out_and_said(suite):
    suite.write("probe", tags={"dataset.fingerprint": "older"}, n=80)
    suite.write("probe", signal=0.1)
    newest = suite.write("probe")
    suite.write("adapter")
    comparison = suite.comparison()
    probe = by_name(comparison)["trees", "probe", "4"]
    assert [run.run_id for run in probe.group.runs] == [newest]
    assert "1 of 4 runs is left out" in comparison.notes[0]
    suite.write("probe", status="failed", seed=5)
    assert "1 runs did not finish" in suite.comparison().notes[0]


def test_judgements_in_a_suite_are_left_out_and_said(suite):
    suite.write("probe")
    suite.add(None, "judge", dataset="made", task="generation", metrics={"clip_score": 0.5}, primary="clip_score")
    comparison = suite.comparison()
    assert {entry.run.dataset for entry in comparison.results} == {"trees"}
    assert comparison.notes == ("1 run (generation) has no test items in common with others and cannot be compared.",)


def test_one_label_with_two_settings_says_which(suite):
    suite.write("probe", params={"k": 1}, signal=1.0)
    suite.write("probe", params={"k": 2}, signal=2.0)
    comparison = suite.comparison()
    assert {e.group.label for e in comparison.results} == {"probe (k=1)", "probe (k=2)"}


def test_another_metric_and_groups(suite):
    groups = [f"g{i % 25}" for i in range(150)]
    suite.write("probe", signal=2.0, groups=groups)
    suite.write("zero-shot", signal=0.2, shots="0", groups=groups)
    comparison = suite.comparison("nll")
    (pair,) = comparison.pairs
    assert pair.first.group.label == "probe"
    assert pair.difference.value < 0
    assert pair.difference.n_groups == 25
    assert "probe is better than zero-shot in nll" in pair.sentence


def test_bad_input_is_refused_in_words(suite):
    assert suite.comparison().results == ()
    suite.write("probe")
    with pytest.raises(WorkbenchError, match="dataset 'trees': metric 'acuracy' cannot be compared"):
        suite.comparison("acuracy")
    suite.write("adapter", n=140)
    with pytest.raises(WorkbenchError, match=r"dataset 'trees'.*not made on the same test items"):
        suite.comparison()


def test_the_same_images_under_other_names_are_compared_and_count_once_in_ranks(suite):
    keys = ("1", "2", "3")
    for dataset, classes, strength in (
        ("latin", ("F. e.", "B. p.", "C. l."), 0.5),
        ("common", ("ash", "birch", "cedar"), 2.5),
    ):
        own = {"dataset": dataset, "items": "woods", "classes": classes, "keys": keys}
        suite.write("zero-shot", signal=strength, shots="0", **own)
        suite.write("majority-class", signal=0.0, shots="all", model="none", **own)
        suite.write("probe", signal=2.0, **own)
    suite.write("zero-shot", signal=0.5, dataset="ferns!", shots="0")
    suite.write("probe", signal=2.0, dataset="ferns!")
    comparison = suite.comparison()
    renamed = {pair.first.group.label: pair for pair in comparison.pairs if pair.kind == "names"}
    assert set(renamed) == {"zero-shot", "probe"}
    assert renamed["zero-shot"].decided
    assert renamed["zero-shot"].sentence.startswith("zero-shot on common")
    assert renamed["probe"].difference.value == 0
    a, b = (next(e for e in comparison.results if (e.run.dataset, e.run.recipe) == (name, "zero-shot"))
            for name in ("common", "latin"))  # fmt: skip
    assert renamed["zero-shot"].difference.value == pytest.approx(a.estimate.value - b.estimate.value)
    assert all(p.first.run.dataset == p.other.run.dataset for p in comparison.pairs if p.kind != "names")
    assert [ranking.datasets for ranking in comparison.rankings] == [("common", "ferns!")]


def test_equal_items_that_are_called_otherwise_are_left_apart(suite):
    for dataset, count in (("a", 150), ("b", 149)):
        suite.write("zero-shot", shots="0", dataset=dataset, items="woods", n=count)
    comparison = suite.comparison()
    assert {entry.run.dataset for entry in comparison.results} == {"a", "b"}
    assert comparison.pairs == ()
