"""A published number beside the runs that were made for it."""

from collections.abc import Sequence

import numpy as np

from workbench.registry import closest
from workbench.tracking import RunResult, schema
from workbench.verification.check import Check, compared
from workbench.verification.expected import Expected


def of_runs(expected: Expected, runs: Sequence[RunResult | None]) -> Check:
    """Compare the mean of runs, one a seed; a run that failed, or lacks the metric, fails.

    Args:
        expected: The published number.
        runs: Its runs; None for one that was not made.
    """
    made = [run for run in runs if run is not None]
    ids = tuple(run.run_id for run in made)
    failed = next((run for run in made if run.status != "finished"), None)
    if failed is not None:
        error = failed.tags.get(schema.ERROR, "it says no reason")
        return Check(expected, "fail", runs=ids, reason=f"run {failed.run_id[:8]} is {failed.status}: {error}")
    if not made or len(made) < len(runs):
        return Check(expected, "fail", runs=ids, reason="a run was not made.")
    lacking = next((run for run in made if expected.metric not in run.metrics), None)
    if lacking is not None:
        hint = closest(expected.metric, lacking.metrics)
        return Check(expected, "fail", runs=ids, reason=f"the run has no metric {expected.metric!r}.{hint}")
    ours = float(np.mean([run.metrics[expected.metric] for run in made]))
    return compared(expected, ours, _interval(expected.metric, made), ids)


def _interval(metric: str, runs: Sequence[RunResult]) -> tuple[float, float] | None:
    """Of one run; means of several have none here."""
    if len(runs) != 1:
        return None
    low, high = (runs[0].metrics.get(f"{metric}_ci_{end}") for end in ("low", "high"))
    return None if low is None or high is None else (low, high)
