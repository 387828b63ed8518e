import itertools

import numpy as np
import pytest
import sklearn.metrics as sk
from scipy import special, stats

from workbench.errors import WorkbenchError
from workbench.metrics import (
    NotComparableError,
    align_items,
    classification_metrics,
    compare_items,
    compare_paired,
    mcnemar,
    sign_flip,
    unseen_metrics,
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
    assert (found.value, found.p_value) == (0, 1)
    if metric in {"accuracy", "top5_accuracy"}:
        # Equal hits on 300 items (40 groups) leave room for a difference on others: Tango's z^2 / (n + z^2).
        n, z2 = 300 if groups is None else 300**2 / (np.bincount(groups) ** 2).sum(), stats.chi2.ppf(0.95, 1)
        assert (found.low, found.high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), rel=1e-9)
    elif metric in {"balanced_accuracy", "macro_f1"}:
        assert -0.12 < found.low == -found.high < 0
    else:
        assert (found.low, found.high) == (0, 0)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc"])
def test_a_clear_gap_is_found_by_interval_and_test(metric):
    a, b, labels = runs(gap=1.0)
    found = compare_paired(a, b, labels, metric=metric)
    assert found.low > 0
    assert found.p_value < 0.01
    kind = "sign-flip" if metric == "balanced_accuracy" else "exchange"
    assert found.test == f"{kind} test over 300 items"


@pytest.mark.parametrize("metric", ["balanced_accuracy", "auroc", "macro_f1"])
def test_the_test_keeps_its_level(metric):
    p = [compare_paired(*runs(80, 3, 0.0, k), metric=metric, replicates=1, draws=199).p_value for k in range(200)]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1
    assert np.mean(p) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1", "auroc", "average_precision"])
@pytest.mark.parametrize("groups", [None, np.arange(60) % 25], ids=["items", "groups"])
def test_p_is_that_of_exchanging_predictions_and_asking_scikit_learn(metric, groups):
    a, b, labels = runs(60, 3, 0.25)
    hot = labels[:, None] == np.arange(3)

    def value(scores):
        p = special.softmax(scores.astype(float), axis=1)
        return {
            "balanced_accuracy": lambda: sk.balanced_accuracy_score(labels, p.argmax(axis=1)),
            "macro_f1": lambda: sk.f1_score(labels, p.argmax(axis=1), average="macro"),
            "auroc": lambda: sk.roc_auc_score(labels, p, multi_class="ovr"),
            "average_precision": lambda: sk.average_precision_score(hot, p),
        }[metric]()

    unit, rng = np.arange(60) if groups is None else groups, np.random.default_rng(8)
    observed, drawn = value(a) - value(b), []
    for _ in range(400):
        swap = (rng.random(60) < 0.5)[unit][:, None]
        drawn.append(value(np.where(swap, b, a)) - value(np.where(swap, a, b)))
    expected = (1 + np.count_nonzero(np.abs(drawn) >= abs(observed) - 1e-9)) / 401
    found = compare_paired(a, b, labels, groups, metric=metric)
    assert found.value == pytest.approx(observed, abs=1e-6)
    assert found.p_value == pytest.approx(expected, abs=0.07)


def test_few_items_that_differ_are_exchanged_in_every_way():
    a, b, labels = runs(80, 3, 0.4)
    b[5:] = a[5:]
    values = []
    for pattern in itertools.product((False, True), repeat=5):
        swap = np.r_[pattern, np.zeros(75, bool)][:, None]
        one, other = (
            special.softmax(np.where(s, x, y).astype(float), axis=1) for s, x, y in ((swap, b, a), (swap, a, b))
        )
        values.append(np.subtract(*(sk.roc_auc_score(labels, p, multi_class="ovr") for p in (one, other))))
    found = compare_paired(a, b, labels, metric="auroc")
    assert found.test == "exact exchange test over 80 items"
    assert found.p_value == pytest.approx(np.mean(np.abs(values) >= abs(values[0]) - 1e-9))


def test_one_item_that_differs_shows_nothing():
    for seed in range(20):
        a, _, labels = runs(120, 3, 0.4, seed)
        b = a.copy()
        b[7] = b[7, ::-1] + 0.1
        for metric in ("macro_f1", "auroc", "ece", "balanced_accuracy"):
            assert compare_paired(a, b, labels, metric=metric, replicates=2).p_value == 1


def test_seeds_of_unequal_number_are_exchanged_together():
    a, b, labels = runs(90, 3, 0.5)
    three = np.stack([a, runs(90, 3, 0.5, 1)[0], a + 0.2 * b])
    two = np.stack([b, b + 0.1 * a])
    found = compare_paired(three, two, labels, metric="macro_f1")
    expected = np.mean([classification_metrics(run, labels, replicates=2)["macro_f1"].value for run in three])
    expected -= np.mean([classification_metrics(run, labels, replicates=2)["macro_f1"].value for run in two])
    assert found.value == pytest.approx(expected)
    assert 0 < found.p_value < 1
    one = compare_paired(np.stack([a, a]), b, labels, metric="macro_f1")
    assert one.p_value == pytest.approx(compare_paired(a, b, labels, metric="macro_f1").p_value)


def test_unseen_classes_compare_by_their_harmonic_mean():
    a, b, labels = runs(200, 4, 1.0)
    found = compare_paired(a, b, labels, metric="harmonic_accuracy", unseen=(2, 3))
    alone = [unseen_metrics(run, labels, np.array([2, 3]), replicates=2)["harmonic_accuracy"].value for run in (a, b)]
    assert found.value == pytest.approx(alone[0] - alone[1])
    assert found.p_value < 0.05


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
    assert found.test == "exact sign-flip test over 300 items"
    one_sided = compare_paired(many_a, b, labels)
    assert one_sided.low < one_sided.value < one_sided.high


def test_many_items_are_compared_quickly_and_alike():
    a, b, labels = runs(n=2600, c=3, gap=0.3)
    found = compare_paired(a, b, labels, metric="auroc", replicates=100)
    assert found.p_value < 0.01
    assert found.low > 0
    assert found.test == "exchange test over 2600 items"
    middling = compare_paired(a[:900], b[:900], labels[:900], metric="auroc", replicates=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.metrics.measured._EXACT_PAIRS_EXCHANGED", 1)
        linear = compare_paired(a[:900], b[:900], labels[:900], metric="auroc", replicates=2)
    assert linear.p_value == pytest.approx(middling.p_value, abs=0.01)


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
    assert ranks.p_value < 1e-10
    assert ranks.test == "exact sign-flip test over 90 items"


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
