import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import stats

from workbench.errors import WorkbenchError
from workbench.metrics import (
    NotComparableError,
    align_items,
    classification_metrics,
    compare_items,
    compare_paired,
    mcnemar,
    sign_flip,
)

METRICS = [
    "accuracy",
    "top5_accuracy",
    "balanced_accuracy",
    "macro_f1",
    "auroc",
    "average_precision",
    "nll",
    "brier",
    "ece",
]


def runs(n=300, c=8, gap=0.6, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    shared = rng.normal(size=(n, c))
    made = []
    for signal in (1 + gap, 1.0):
        scores = (shared + 0.5 * rng.normal(size=(n, c))).astype(np.float32)
        scores[np.arange(n), labels] += signal
        made.append(scores)
    return *made, labels


def test_accuracy_has_mcnemars_test_and_the_difference_of_accuracies():
    a, b, labels = runs()
    right_a, right_b = a.argmax(axis=1) == labels, b.argmax(axis=1) == labels
    found = compare_paired(a, b, labels)
    assert found.value == pytest.approx(right_a.mean() - right_b.mean())
    assert found.p_value == mcnemar((right_a & ~right_b).sum(), (right_b & ~right_a).sum())
    assert found.test == "exact McNemar test"
    assert found.low < found.value < found.high
    reference = stats.bootstrap(
        (right_a.astype(float) - right_b,), np.mean, n_resamples=1000, method="percentile", rng=np.random.default_rng(4)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=0.01)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_compares_and_is_antisymmetric(metric):
    a, b, labels = runs()
    there, back = compare_paired(a, b, labels, metric=metric), compare_paired(b, a, labels, metric=metric)
    alone = [classification_metrics(run, labels, replicates=2)[metric].value for run in (a, b)]
    assert there.value == pytest.approx(alone[0] - alone[1], abs=1e-9)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low), abs=1e-9)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.low <= there.value <= there.high


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("groups", [None, np.arange(300) % 40], ids=["items", "groups"])
def test_a_run_does_not_differ_from_itself(metric, groups):
    a, _, labels = runs()
    found = compare_paired(a, a, labels, groups, metric=metric, replicates=50, draws=99)
    assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc"])
def test_a_clear_gap_is_found_by_interval_and_test(metric):
    a, b, labels = runs(gap=1.0)
    found = compare_paired(a, b, labels, metric=metric)
    assert found.low > 0
    assert found.p_value < 0.01
    assert found.test == "sign-flip test over 300 items"


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc", "macro_f1"])
def test_the_sign_flip_of_pseudo_values_keeps_its_level(metric):
    p = [compare_paired(*runs(80, 3, 0.0, k), metric=metric, replicates=1, draws=199).p_value for k in range(200)]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1
    assert np.mean(p) == pytest.approx(0.5, abs=0.08)


def test_groups_are_flipped_whole():
    a, b, labels = runs()
    groups = np.arange(300) % 11
    difference = (a.argmax(axis=1) == labels).astype(float) - (b.argmax(axis=1) == labels)
    expected, exact = sign_flip(np.array([difference[groups == g].sum() for g in range(11)]))
    found = compare_paired(a, b, labels, groups)
    assert exact
    assert found.p_value == pytest.approx(expected)
    assert found.test == "exact sign-flip test over 11 groups"
    assert (found.reliable, found.n_groups) == (False, 11)


def test_groups_that_agree_with_themselves_carry_less_evidence():
    labels, groups = np.zeros(400, np.int64), np.repeat(np.arange(20), 20)
    better = np.repeat(np.arange(20) < 13, 20)
    a, b = (np.stack([side, ~side], axis=1).astype(np.float32) for side in (better, ~better))
    assert compare_paired(a, b, labels).p_value < 1e-6
    assert compare_paired(a, b, labels, groups).p_value > 0.1


def test_seeds_widen_the_interval_by_pairs():
    a, b, labels = runs()
    many_a, many_b = (np.stack([run, runs(seed=0, gap=0.6 + k)[0]]) for run, k in ((a, 0.5), (b, 1.0)))
    found = compare_paired(many_a, many_b, labels)
    expected = np.mean([[(run.argmax(axis=1) == labels).mean() for run in side] for side in (many_a, many_b)], axis=1)
    assert found.value == pytest.approx(expected[0] - expected[1])
    assert found.test == "sign-flip test over 300 items"
    one_sided = compare_paired(many_a, b, labels)
    assert one_sided.low < one_sided.value < one_sided.high


def test_many_items_are_merged_into_units():
    a, b, labels = runs(n=2600, c=3, gap=0.3)
    found = compare_paired(a, b, labels, metric="balanced_accuracy", replicates=100)
    assert found.p_value < 0.01
    assert found.low > 0


def test_multi_label_runs_compare():
    rng = np.random.default_rng(0)
    targets = rng.random((200, 3)) < 0.4
    a, b = (rng.normal(size=(200, 3)) + signal * targets for signal in (2, 0.5))
    found = compare_paired(a, b, targets, metric="auroc", multi_label=True)
    assert found.value == pytest.approx(sk.roc_auc_score(targets, a) - sk.roc_auc_score(targets, b), abs=1e-6)
    assert found.p_value < 0.01
    label = compare_paired(a, b, targets, metric="auroc/1", multi_label=True)
    assert label.value == pytest.approx(
        sk.roc_auc_score(targets[:, 1], a[:, 1]) - sk.roc_auc_score(targets[:, 1], b[:, 1]), abs=1e-6
    )


def test_a_group_that_alone_holds_a_class_does_not_break_the_test():
    a, b, labels = runs(n=120, c=2)
    groups = np.where(labels == 1, 0, 1 + np.arange(120) % 25)
    found = compare_paired(a, b, labels, groups, metric="auroc")
    assert 0 < found.p_value <= 1


def test_items_compare_by_any_value():
    rng = np.random.default_rng(0)
    a, b = rng.random(90) < 0.7, rng.random(90) < 0.5
    hits = compare_items(a, b)
    assert hits.test == "exact McNemar test"
    assert hits.p_value == mcnemar((a & ~b).sum(), (b & ~a).sum())
    ranks = compare_items(rng.integers(1, 50, 90), rng.integers(20, 80, 90))
    assert ranks.value < ranks.high < 0
    assert ranks.p_value == pytest.approx(1e-4)


def test_rows_are_aligned_by_id():
    ids = np.array(["c", "a", "b"])
    order = align_items(["a", "b", "c"], ids, np.array([1, 2, 3]), np.array([3, 1, 2]))
    np.testing.assert_array_equal(ids[order], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("ids_a", "ids_b", "labels", "words"),
    [
        (["a", "b"], ["a", "c", "d"], (None, None), "1 are in A only and 2 in B only, for example b"),
        (["a"], ["a", "c"], (None, None), "0 are in A only and 1 in B only, for example c"),
        (["a", "a"], ["a", "b"], (None, None), "Run A holds item a more than once"),
        (["a", "b"], ["b", "a"], (np.array([0, 1]), np.array([0, 1])), "labels of 2 test items, for example a"),
        (["a", "b"], ["a", "b"], (np.eye(2), 1 - np.eye(2)), "labels of 2 test items"),
    ],
)
def test_other_test_items_are_refused_with_the_reason(ids_a, ids_b, labels, words):
    with pytest.raises(NotComparableError, match=words):
        align_items(ids_a, ids_b, *labels)


def test_other_shapes_and_metrics_are_refused():
    a, b, labels = runs()
    with pytest.raises(NotComparableError, match=r"A has \(300, 8\) scores, B has \(299, 8\)"):
        compare_paired(a, b[:-1], labels)
    with pytest.raises(WorkbenchError, match="'acuracy' is unknown"):
        compare_paired(a, b, labels, metric="acuracy")
    with pytest.raises(NotComparableError, match="A has 3 test items, B has 2"):
        compare_items(np.zeros(3), np.zeros(2))
