"""A run that nobody works on any more is not called running."""

import subprocess
import sys
import textwrap

import pytest

from workbench.tracking import RunRecorder, Store, close_abandoned, close_abandoned_before, read_runs, schema
from workbench.tracking.processes import is_gone, this_process

PARAMS = {
    "model": "m",
    "dataset": "d",
    "field": "f",
    "task": "classification",
    "recipe": "r",
    "shots": "all",
    "seed": 0,
}


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")


def begun(store, **tags):
    return RunRecorder.begin(store, "s", "run", PARAMS, {schema.RUN_KEY: "k", **tags})


@pytest.mark.parametrize("close", [close_abandoned, close_abandoned_before])
def test_a_run_of_a_process_that_was_killed_is_closed_with_its_reason(store, close):
    code = f"""
        import os, signal
        from pathlib import Path
        from workbench.tracking import RunRecorder, Store
        store = Store({store.uri!r}, Path({str(store.artifacts)!r}))
        RunRecorder.begin(store, "s", "run", {PARAMS!r}, {{"workbench.run_key": "k"}})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert [run.status for run in read_runs(store)] == ["running"]
    close(store)
    (run,) = read_runs(store)
    assert (run.status, run.tags[schema.ERROR]) == ("killed", "Its process ended before the run was finished.")
    assert close_abandoned(store) == 0


def test_runs_of_living_processes_and_of_other_machines_are_left_alone(store):
    begun(store)
    begun(store, **{schema.HOST: "another", schema.PROCESS: "0:1:1"})
    begun(store, **{schema.PROCESS: "1:999999:1"})  # another container
    assert close_abandoned(store) == 0
    assert [run.status for run in read_runs(store)] == ["running"] * 3


def test_an_ended_run_is_not_abandoned_a_second_time(store):
    recorder = begun(store)
    recorder.abandon("interrupted")
    (run,) = read_runs(store)
    assert (run.status, run.tags[schema.ERROR]) == ("killed", "interrupted")
    store.client.set_terminated(recorder.run_id, "FINISHED")
    recorder.abandon("interrupted")
    assert read_runs(store)[0].status == "finished"


def test_a_later_process_with_the_same_number_is_another():
    namespace, pid, started = this_process().split(":")
    assert not is_gone(this_process())
    assert is_gone(f"{namespace}:{pid}:{int(started) - 1}")
    assert not is_gone("")


def test_a_run_that_was_finished_meanwhile_stays_finished(store, tmp_path):
    recorder = begun(store, **{schema.PROCESS: f"{this_process().partition(':')[0]}:999999:1"})
    seen = read_runs(store)
    (tmp_path / "files").mkdir()
    recorder.finish({}, {}, tmp_path / "files")
    assert close_abandoned(store, seen) == 0
    assert [run.status for run in read_runs(store)] == ["finished"]
