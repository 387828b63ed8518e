"""The interval of several seeds is one number, whoever shows it."""

import math
import threading

import pytest

from workbench.errors import DataError
from workbench.runs.comparisons import GroupIntervals, run_groups


def test_of_several_seeds_it_is_the_one_that_the_suite_comparison_has(planted):
    intervals = GroupIntervals(lambda run: planted.predictions[run.run_id])
    results = planted.comparison().results
    several = [result for result in results if len(result.by_seed) == 3]
    assert len(several) == 12
    for result in several:
        assert intervals(result.group, "accuracy") == (result.estimate.low, result.estimate.high)


def test_of_one_run_it_is_the_recorded_one(suite):
    suite.write("probe")
    (run,) = suite.runs
    run.metrics.update(accuracy_ci_low=0.125, accuracy_ci_high=0.875)
    (group,), _ = run_groups(suite.runs)
    assert GroupIntervals(lambda _: pytest.fail("nothing to read"))(group, "accuracy") == (0.125, 0.875)
    assert all(map(math.isnan, GroupIntervals(lambda _: pytest.fail("nothing to read"))(group, "macro_f1")))


def test_it_is_nan_where_predictions_are_missing_or_do_not_have_the_metric(planted):
    def missing(run):
        raise DataError(f"{run.run_id}: no such file")

    group = next(result.group for result in planted.comparison().results if len(result.by_seed) == 3)
    assert all(map(math.isnan, GroupIntervals(missing)(group, "accuracy")))
    assert all(map(math.isnan, GroupIntervals(lambda run: planted.predictions[run.run_id])(group, "cider")))


def test_visitors_who_ask_at_once_have_it_computed_once(planted):
    reads = []

    def read(run):
        reads.append(run.run_id)
        return planted.predictions[run.run_id]

    group = next(result.group for result in planted.comparison().results if len(result.by_seed) == 3)
    intervals = GroupIntervals(read)
    visitors = [threading.Thread(target=intervals, args=(group, "accuracy")) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(reads) == 3
