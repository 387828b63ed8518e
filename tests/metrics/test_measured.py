"""Many comparisons at once give what one at a time gives."""

import numpy as np
import pytest

from workbench.errors import DataError, WorkbenchError
from workbench.metrics import (
    classification_metrics,
    compare_items,
    compare_measured,
    compare_paired,
    measure,
    measure_items,
)


def run_groups(n=240, c=4, seeds=3):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, c, n)
    shared = rng.normal(size=(n, c))
    made = []
    for signal in (0.6, 0.7, 1.6):
        scores = (shared + 0.7 * rng.normal(size=(seeds, n, c))).astype(np.float32)
        scores[:, np.arange(n), labels] += signal
        made.append(scores)
    return made, labels


@pytest.mark.parametrize("metric", ["accuracy", "nll", "macro_f1", "auroc"])
@pytest.mark.parametrize("groups", [None, np.arange(240) % 30], ids=["items", "groups"])
def test_pairs_of_a_family_are_the_single_comparisons(metric, groups):
    made, labels = run_groups()
    measured = [measure(scores, labels, groups, metric=metric) for scores in made]
    for (i, j), found in zip([(0, 1), (2, 0)], compare_measured(measured, [(0, 1), (2, 0)]), strict=True):
        alone = compare_paired(made[i], made[j], labels, groups, metric=metric)
        assert (found.value, found.low, found.high, found.test) == (alone.value, alone.low, alone.high, alone.test)
        # Other random patterns, so p agrees within their error; where it is tiny the family's is the finer one.
        assert found.p_value == pytest.approx(alone.p_value, abs=0.03)
        assert alone.p_value > 1e-3 or found.p_value <= alone.p_value * 1.5


def test_single_runs_get_mcnemars_test():
    made, labels = run_groups(seeds=1)
    a, b = (measure(scores, labels) for scores in made[1:])
    assert compare_measured([a, b], [(1, 0)]) == [compare_paired(made[2], made[1], labels)]


@pytest.mark.parametrize("metric", ["accuracy", "ece", "balanced_accuracy"])
def test_mean_spread_and_interval_are_those_over_seeds(metric):
    made, labels = run_groups()
    found = measure(made[0], labels, metric=metric)
    each = [classification_metrics(run, labels, replicates=2)[metric].value for run in made[0]]
    together = classification_metrics(made[0], labels)[metric]
    assert found.shown == pytest.approx(np.mean(each), abs=1e-9)
    assert found.spread == pytest.approx(np.std(each, ddof=1), abs=1e-9)
    assert found.estimate() == together


def test_an_unknown_metric_is_refused():
    made, labels = run_groups(n=60)
    with pytest.raises(WorkbenchError, match="'acuracy' is unknown"):
        measure(made[0], labels, metric="acuracy")


@pytest.mark.parametrize("groups", [None, np.arange(240) % 30], ids=["items", "groups"])
def test_hits_are_measured_as_the_accuracy_that_they_make(groups):
    made, labels = run_groups()
    for scores in (made[0], made[0][:1]):
        whole = measure(scores, labels, groups)
        found = measure_items(scores.argmax(axis=2) == labels, groups, metric="accuracy")
        np.testing.assert_allclose(found.replicates, whole.replicates, atol=1e-12)
        np.testing.assert_array_equal(found.sums, whole.sums)
        assert found.by_seed.tolist() == whole.by_seed.tolist()
        assert (found.hits is None) == (whole.hits is None)
        assert found.units == whole.units
        assert found.value == pytest.approx(whole.value)


@pytest.mark.parametrize("groups", [None, np.arange(90) % 15], ids=["items", "groups"])
@pytest.mark.parametrize("hits", [True, False])
def test_means_of_single_runs_differ_as_compare_items_says(groups, hits):
    a, b = np.random.default_rng(2).random((2, 90)) ** ([[0.6], [1.2]])
    if hits:
        a, b = a > 0.5, b > 0.5
    pair = [measure_items(values, groups, metric="text_to_image_map") for values in (a, b)]
    (found,) = compare_measured(pair, [(0, 1)])
    alone = compare_items(a, b, groups)
    assert (found.value, found.low, found.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert (found.test, found.reliable, found.n, found.n_groups) == (
        alone.test,
        alone.reliable,
        alone.n,
        alone.n_groups,
    )
    assert found.p_value == pytest.approx(alone.p_value, rel=0.3)


def test_the_interval_of_a_mean_counts_items_and_seeds():
    rng = np.random.default_rng(3)
    seeds, n = 6, 400
    values = rng.normal(size=n) + 0.15 * rng.normal(size=(seeds, 1)) + 1
    found = measure_items(values, metric="cider")
    # Items are shared by all seeds, so their variances add up.
    error = np.sqrt(values.mean(axis=0).var(ddof=1) / n + values.mean(axis=1).var(ddof=1) / seeds)
    low, high = found.estimate().low, found.estimate().high
    assert (high - low) / (2 * 1.96) == pytest.approx(error, rel=0.1)
    assert found.spread == pytest.approx(values.mean(axis=1).std(ddof=1))
    with pytest.raises(DataError, match="values of cider"):
        measure_items(np.where(values > 2, np.nan, values), metric="cider")
