"""Arithmetic of schedules and extrapolations."""

import pytest

from workbench.forecast.schedule import Load, extrapolate, wall_seconds

LOADS = {("a", "m"): Load(10, [4, 4, 4]), ("b", "m"): Load(2, [30])}


def test_one_worker_does_all_in_turn():
    assert wall_seconds(LOADS, 1) == 54


def test_batches_wait_for_the_features_of_their_cell():
    # One worker does 2 + 30; the other 10 of features, and the three batches that are ready then.
    assert wall_seconds(LOADS, 2) == 32
    assert wall_seconds({("a", "m"): Load(10, [4, 4, 4])}, 3) == 14


def test_features_are_shared_out_in_blocks():
    assert wall_seconds({("a", "m"): Load(12, [4, 4], start=1, blocks=3)}, 2) == 1 + 6 + 4
    assert wall_seconds({("a", "m"): Load(12, [4], blocks=9)}, 4) == 3 + 4


def test_a_task_of_a_queue_takes_a_cell_whole():
    assert wall_seconds({("a", "m"): Load(10, [4, 4, 4])}, 3, whole_cells=True) == 22


def test_cores_set_a_limit_to_what_workers_gain():
    assert wall_seconds(LOADS, 8, most=50) == 50


@pytest.mark.parametrize(
    ("sizes", "seconds", "expected"),
    [([10], [2], 20), ([10, 50], [2, 6], 11), ([10, 50], [3, 2], 2), ([10, 20, 50], [9, 3, 6], 11)],
)
def test_extrapolates_on_a_line_and_never_down(sizes, seconds, expected):
    assert extrapolate(sizes, seconds, 100) == pytest.approx(expected)
