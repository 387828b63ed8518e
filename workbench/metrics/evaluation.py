"""Metrics of predictions of any kind, each with its interval."""

from collections.abc import Iterable

from workbench.arrays import AnyArray
from workbench.metrics._bootstrap import Resampler, estimates
from workbench.metrics.estimate import Estimate
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.metric import Metric


def estimate_metrics(
    metrics: Iterable[Metric],
    predictions: object,
    n: int,
    groups: AnyArray | None = None,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Metrics with their 95 % bootstrap intervals, by name; those that the predictions do not define are left out.

    Args:
        metrics: The metrics.
        predictions: An object that has what the metrics need.
        n: Number of items.
        groups: (n,) groups that are resampled whole.
        replicates: Number of bootstrap resamples.
        seed: Seeds them; the same seed resamples the same items in every run on a test set.
    """
    return estimates([Evaluator(metrics, predictions)], Resampler(n, groups, replicates=replicates, seed=seed))
