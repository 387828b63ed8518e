"""Every number of a run has an object that says what it is."""

from math import inf

import numpy as np
import pytest

from workbench.errors import UnknownMetricError
from workbench.metrics import Metric, higher_is_better, mean_of, metric_named, quantity_named
from workbench.metrics.domains import ranked_metric
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.registry import all_metrics


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("accuracy", True),
        ("auroc/oedema", True),
        ("text_to_image_recall_at_1", True),
        ("text_to_image_median_rank", False),
        ("nll", False),
        ("ece", False),
        ("brier", False),
        ("cmmd", False),
        ("train_seconds", False),
        ("trainable_parameters", False),
        ("quadratic_kappa", True),
    ],
)
def test_direction(metric, better):
    assert higher_is_better(metric) is better


def test_a_name_is_not_guessed_from():
    assert quantity_named("my_ece").higher_is_better  # It is no ECE: nobody has said what it is.
    assert quantity_named("my_ece").bounds == (-inf, inf)
    with pytest.raises(UnknownMetricError, match=r"no metric is called 'acuracy'\. Did you mean 'accuracy'"):
        metric_named("acuracy")
    assert metric_named("auroc/oedema").name == "auroc"


def test_names_are_those_of_the_objects():
    assert all(name == metric.name for name, metric in all_metrics().items())


def test_only_what_declares_bounds_is_clipped():
    declared = {name for name, metric in all_metrics().items() if metric.bounds != (-inf, inf)}
    assert all_metrics().keys() - declared == {"gap_domain_nll", "gap_domain_set_size"}, (
        "a difference of what has no upper bound has none"
    )
    assert metric_named("mcc").bounds == metric_named("quadratic_kappa").bounds == (-1.0, 1.0)
    assert metric_named("nll").bounds == (0.0, inf)
    assert {name for name in declared if metric_named(name).unit == "%"} == {
        name for name in declared if metric_named(ranked_metric(name)).is_share
    }


def test_a_metric_is_one_object_and_predictions_say_what_they_have():
    class Counted:
        errors = np.array([0.0, -2.0, 1.0])
        hits = None

    error = Metric(name="error", of=lambda counted: mean_of(counted.errors), needs=("errors",))
    evaluate = Evaluator([error, metric_named("accuracy"), metric_named("auroc")], Counted())
    assert set(evaluate.metrics) == {"error"}
    weights = np.array([[1, 1, 1], [0, 2, 1]], dtype=np.float32)
    assert evaluate(weights)["error"] == pytest.approx([-1 / 3, -1])
