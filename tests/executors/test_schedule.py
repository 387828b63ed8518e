"""Tasks in order: features by one worker, then batches; what is lost comes back, and not for ever."""

import json

import pytest

from workbench.executors.events import EventLog, Tail
from workbench.executors.jobs import Cell
from workbench.executors.schedule import ATTEMPTS, Schedule, Task


def cell(*batches, pieces=0):
    return Cell(dataset="d", model="m", batches=batches, pieces=pieces)


def test_features_of_a_cell_come_first_and_its_batches_wait_for_them():
    schedule = Schedule([cell(("a",), ("b", "c")), cell(("d",))])
    features = schedule.next(None)
    assert (features.cell, features.keys) == (0, ())
    assert schedule.next(None).keys == ("d",)  # One batch alone computes its features itself.
    assert schedule.next(1) is None
    assert not schedule.is_empty
    schedule.done(features)
    assert [schedule.next(0).keys, schedule.next(1).keys] == [("a",), ("b", "c")]
    assert schedule.is_empty


def test_pieces_of_features_go_to_several_workers_before_anything_else_of_the_cell():
    schedule = Schedule([cell(("a",), ("b",), pieces=2), cell(("x",), pieces=2)])
    assert schedule.at_hand == 4
    pieces = [schedule.next(worker) for worker in (None, 0, None, None)]
    assert [(task.cell, task.keys, task.piece) for task in pieces] == [
        (0, (), (0, 2)), (0, (), (1, 2)), (1, (), (0, 2)), (1, (), (1, 2))
    ]  # fmt: skip
    assert schedule.next(0) is None
    schedule.done(pieces[0])
    assert schedule.lost(pieces[1], ()) == ()
    again = schedule.next(0)
    assert again.piece == (1, 2)
    schedule.done(again)
    whole = schedule.next(0)
    assert (whole.keys, whole.piece) == ((), None)
    schedule.done(whole)
    assert [schedule.next(0).keys, schedule.next(0).keys] == [("a",), ("b",)]
    for task in pieces[2:]:
        schedule.done(task)
    assert schedule.next(1).keys == ("x",)  # One batch alone finds its features itself.
    assert schedule.is_empty


def test_a_piece_that_cost_every_worker_is_left_to_the_runs_that_need_it():
    schedule = Schedule([cell(("a",), pieces=2)])
    schedule.done(schedule.next(None))
    for _ in range(ATTEMPTS):
        assert schedule.lost(schedule.next(None), ()) == ()
    assert schedule.next(None).keys == ("a",)


def test_tasks_go_through_json():
    schedule = Schedule([cell(("a", "b"), pieces=2)])
    task = schedule.next(None)
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_a_worker_stays_with_the_data_that_it_has_open():
    schedule = Schedule([cell(("a",), ("b",), ("c",)), cell(("x",), ("y",))])
    for task in (schedule.next(None), schedule.next(None)):
        schedule.done(task)
    assert schedule.next(1).keys == ("x",)
    assert schedule.next(0).keys == ("a",)
    assert schedule.next(None).keys == ("b",)


def test_a_lost_batch_comes_back_without_what_was_made_until_it_is_given_up():
    schedule = Schedule([cell(("a", "b", "c"))])
    assert schedule.lost(schedule.next(None), {"a", "z"}) == ()
    for _ in range(ATTEMPTS - 2):
        task = schedule.next(None)
        assert task.keys == ("b", "c")
        assert schedule.lost(task, ()) == ()
    assert schedule.lost(schedule.next(None), {"b"}) == ("c",)
    assert schedule.is_empty
    assert schedule.next(None) is None


def test_a_batch_that_was_made_before_its_worker_was_lost_is_done():
    schedule = Schedule([cell(("a",))])
    assert schedule.lost(schedule.next(None), {"a"}) == ()
    assert schedule.is_empty


def test_features_that_cost_every_worker_give_the_whole_cell_up():
    schedule = Schedule([cell(("a",), ("b", "c"))])
    given_up = [schedule.lost(schedule.next(None), ()) for _ in range(ATTEMPTS)]
    assert given_up == [(), (), ("a", "b", "c")]
    assert schedule.is_empty


def test_events_are_read_once_they_are_whole_and_damage_is_passed_over(tmp_path):
    path = tmp_path / "job" / "1.events"
    tail = Tail(path)
    assert tail.read() == []
    log = EventLog(path)
    log.append({"say": "ünï"})
    with path.open("ab") as file:
        file.write(b'{"say": "ha')
    assert tail.read() == [{"say": "ünï"}]
    assert tail.read() == []
    EventLog(path).append({"say": "after a kill"})
    assert tail.read() == [{"say": "after a kill"}]


@pytest.mark.parametrize("cells", [[], [cell()]])
def test_nothing_to_do(cells):
    assert Schedule(cells).is_empty
    assert Schedule(cells).next(None) is None
