"""A real SLURM queue of one node makes what one process makes, through losses, requeues and refusals."""

import subprocess
import threading
import time

import pytest

from tests.executors.slurm_cluster import NoClusterError, slurm_cluster
from tests.executors.suites import Told, suite_of
from workbench.errors import WorkbenchError
from workbench.executors.listing import job_states, stop_job
from workbench.executors.profile import SlurmProfile
from workbench.executors.slurm import SlurmExecutor
from workbench.runs import run_suite
from workbench.settings import Settings
from workbench.tracking import open_store, sync

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    try:
        with slurm_cluster() as environment:
            yield environment
    except NoClusterError as error:
        pytest.skip(f"no SLURM here: {error}")


@pytest.fixture
def slurm(cluster, monkeypatch):
    for name, value in cluster.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("workbench.executors.following._ASK_SECONDS", 0.5)


@pytest.fixture
def settings(tmp_path, undisturbed):
    return Settings(cache=undisturbed.settings.cache, runs=tmp_path / "runs", precision="fp32", device="cpu")


def test_a_queue_makes_what_one_process_makes_though_tasks_die_and_are_queued_again(
    slurm, undisturbed, settings, odd_recipes
):
    suite = suite_of(undisturbed.suite.models[0], *undisturbed.suite.datasets, more=("waits", "dies-once"))
    profile = SlurmProfile(partition="short", time=10, cpus=1, memory="500MB")
    times_up = threading.Thread(target=queue_again, args=(odd_recipes / "waiting",))
    told = Told("submitted", times_up.start)
    run_suite(suite, settings, reporter=told, executor=SlurmExecutor(profile, follow=True))
    times_up.join()
    stored = undisturbed.check(settings, others=4)
    assert {run.status for run in stored} == {"finished"}
    lost = [sentence for sentence in told.sentences if "it is submitted again" in sentence]
    assert len(lost) == 1, lost
    attempts = (odd_recipes / "waiting").read_text().splitlines()
    assert len(attempts) == 3  # One on each dataset, and one in vain.
    assert sum(attempt.split()[1] == "1" for attempt in attempts) >= 1  # SLURM counts restarts.
    assert list((settings.runs / "jobs").iterdir()) == []


def queue_again(waiting):
    """Once a run waits in its fit, tell its task that its time is up, as SLURM does, and let it begin anew at once."""
    until = time.monotonic() + 120
    while not (waiting.exists() and waiting.stat().st_size) and time.monotonic() < until:  # Made before its line.
        time.sleep(0.1)
    task, *_ = waiting.read_text().splitlines()[0].split()
    subprocess.run(["scancel", "--signal=USR2", task], check=True)
    while "BeginTime" not in subprocess.check_output(["squeue", "-h", "-r", "-o", "%i %r", "-j", task], text=True):
        assert time.monotonic() < until
        time.sleep(0.1)
    # SLURM itself waits for two minutes: what starts in the second of the requeue has its credential revoked with it.
    time.sleep(2)
    subprocess.run(["scontrol", "update", f"JobId={task}", "StartTime=now"], check=True)


def test_a_job_that_is_left_to_itself_is_listed_is_not_made_twice_and_can_be_stopped(
    slurm, undisturbed, settings, odd_recipes
):
    suite = suite_of(undisturbed.suite.models[0], *undisturbed.suite.datasets, more=("waits",))
    executor = SlurmExecutor(SlurmProfile(time=10, parallel=1), follow=False)
    assert run_suite(suite, settings, executor=executor) == []
    store, told = open_store(settings), Told()
    while not (odd_recipes / "waiting").exists():
        time.sleep(0.1)
    sync(store)
    assert len(run_suite(suite, settings, reporter=told, executor=executor)) == 10
    assert any(sentence.startswith("12 runs are in job") for sentence in told.sentences)
    (job,) = job_states(store)
    assert [task.state for task in job.tasks] == ["running", "pending"]
    assert (job.tasks[0].made, job.tasks[0].runs, job.executor) == (10, 11, "slurm")
    stop_job(store, job.job)
    (odd_recipes / "go").touch()
    while (states := [task.state for task in job_states(store)[0].tasks]) != ["finished", "stopped"]:
        assert set(states) <= {"running", "pending", "finished", "stopped"}
        time.sleep(0.2)
    with pytest.raises(WorkbenchError, match="Did you mean"):
        stop_job(store, f"{job.job}x")
    sync(store)
    run_suite(suite, settings)
    undisturbed.check(settings, others=2)


def test_what_the_queue_refuses_is_said_and_leaves_nothing(slurm, undisturbed, settings):
    with pytest.raises(WorkbenchError, match="invalid partition specified"):
        run_suite(
            undisturbed.suite, settings, executor=SlurmExecutor(SlurmProfile(partition="nowhere"), follow=True)
        )  # fmt: skip
    assert list((settings.runs / "jobs").iterdir()) == []
