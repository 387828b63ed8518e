"""A small version of `bench.py`: the level of tests and the coverage of intervals."""

import numpy as np
import pytest

from tests.calibration.simulations import Null, Quality, covers, covers_gap, null_p_value


@pytest.mark.parametrize(
    "metric",
    ["balanced_accuracy", "macro_f1", "auroc", "average_precision", "ece", "harmonic_accuracy", "quadratic_kappa"],
)
@pytest.mark.parametrize("grouped", [False, True], ids=["items", "groups"])
def test_one_unit_that_differs_shows_nothing(metric, grouped):
    kind = Null(differing=1, long_tail=True, grouped=grouped)
    assert {null_p_value(kind, metric, seed) for seed in range(20)} == {1.0}


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("macro_f1", Null(20, long_tail=True)),
        ("auroc", Null(20, long_tail=True, grouped=True)),
        ("average_precision", Null(20, multi_label=True)),
        ("ece", Null(20)),
        ("harmonic_accuracy", Null(20, grouped=True)),
        ("balanced_accuracy", Null(20, long_tail=True)),
        ("quadratic_kappa", Null(20)),
        ("worst_domain_accuracy", Null(20, grouped=True)),
        ("mcc", Null(20, classes=2)),
        ("sensitivity", Null(20, grouped=True, classes=2)),
    ],
)
def test_a_difference_that_is_not_there_is_seldom_claimed(metric, kind):
    p = np.array([null_p_value(kind, metric, seed) for seed in range(300)])
    # Of 300 independent tests at 5 %, more than 26 are claimed once in a thousand times.
    assert np.count_nonzero(p <= 0.05) <= 26
    assert np.mean(p) > 0.4


@pytest.mark.parametrize("accuracy", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("options", [{"n": 50}, {"n": 200}, {"groups": 40}, {"groups": 100, "pareto": True}], ids=str)
def test_intervals_of_accuracy_cover_it(accuracy, options):
    found = np.array([covers(Quality(accuracy, **options), seed, replicates=200) for seed in range(300)])
    assert found[:, 0].mean() >= 0.93


@pytest.mark.parametrize("more", [{"n": 60}, {"groups": 40}], ids=str)
@pytest.mark.parametrize("accuracies", [(0.9, 0.7), (0.98, 0.9), (0.8, 0.8)], ids=str)
def test_intervals_of_a_gap_between_test_sets_cover_it(accuracies, more):
    home, away = (Quality(accuracy, **more) for accuracy in accuracies)
    found = np.mean([covers_gap(home, away, seed, replicates=100)[0] for seed in range(300)])
    assert found >= 0.93


def test_groups_of_pareto_sizes_are_called_unreliable_where_few_of_them_count():
    few = [covers(Quality(0.9, groups=20, pareto=True), seed, replicates=10)[1] for seed in range(50)]
    many = [covers(Quality(0.9, groups=40), seed, replicates=10)[1] for seed in range(50)]
    assert np.mean(few) < 0.1
    assert np.mean(many) == 1.0
