"""Tasks as submitit starts them, on this machine: what works here without a queue works in one."""

import os
import signal
import threading
import time

import pytest

from tests.executors.suites import Told, suite_of
from workbench import locks
from workbench.errors import CardError, WorkbenchError
from workbench.executors import open_executor
from workbench.executors.cells import make_cell
from workbench.executors.events import EventLog
from workbench.executors.jobs import Job
from workbench.executors.profile import SlurmProfile, read_profile
from workbench.runs import run_suite
from workbench.runs.execution import Execution
from workbench.runs.planned import fitted_together, prepare_runs
from workbench.settings import Settings
from workbench.tracking import open_store


@pytest.fixture
def settings(tmp_path, undisturbed):
    return Settings(cache=undisturbed.settings.cache, runs=tmp_path / "runs", precision="fp32", device="cpu")


@pytest.mark.slow
def test_a_task_that_leaves_goes_on_and_one_that_dies_is_submitted_again(
    undisturbed, settings, odd_recipes, tmp_path, monkeypatch
):
    monkeypatch.setattr("workbench.executors.following._ASK_SECONDS", 0.5)
    profile = tmp_path / "cluster.toml"
    profile.write_text('[slurm]\ncluster = "local"\ntime = "0:20:00"\n')
    suite = suite_of(undisturbed.suite.models[0], undisturbed.suite.datasets[0], more=("waits", "dies-once"))
    times_up = threading.Thread(target=make_it_leave, args=(odd_recipes / "waiting",))
    told = Told("submitted", times_up.start)
    run_suite(suite, settings, reporter=told, executor=open_executor("slurm", profile=profile, follow=True))
    times_up.join()
    stored = undisturbed.check(settings, datasets=undisturbed.suite.datasets[:1], others=2)
    assert {run.status for run in stored} == {"finished"}
    assert len((odd_recipes / "waiting").read_text().splitlines()) == 2
    assert sum("it is submitted again" in sentence for sentence in told.sentences) == 1
    assert list((settings.runs / "jobs").iterdir()) == []


def make_it_leave(waiting):
    """Once a run waits in its fit, send its process the signal that a queue sends."""
    until = time.monotonic() + 120
    while not (waiting.exists() and waiting.stat().st_size) and time.monotonic() < until:  # Made before its line.
        time.sleep(0.1)
    os.kill(int(waiting.read_text().split()[-1]), signal.SIGUSR2)


@pytest.fixture
def in_this_process(monkeypatch, tmp_path):
    """A task changes the current folder, and takes no locks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locks._State, "without", False)


def test_a_batch_that_cost_three_attempts_is_recorded_as_failed_and_the_rest_is_made(
    undisturbed, settings, in_this_process
):
    suite = undisturbed.suite.model_copy(update={"datasets": undisturbed.suite.datasets[:1]})
    told = Told()
    batches = list(fitted_together(prepare_runs(suite, settings, told)))
    store = open_store(settings)
    job = Job.create(batches, Execution(suite, settings, store, told), "slurm", settings)
    log = EventLog(job.events("0"))
    for event in ({"began": 0}, {"done": 0, "made": [batches[0][0].key]}, *[{"began": 1}] * 3):
        log.append(event)
    log.append({"began": 2})
    log.append({"left": 0})  # To make room for another, as often as need be.
    make_cell(job.folder, 0)
    entries = {entry.record.key: entry.record for entry in store.spool.entries(store.server)}
    assert batches[0][0].key not in entries  # Made by an earlier attempt.
    assert entries[batches[1][0].key].status == "FAILED"
    assert "its time was up, 3 times" in entries[batches[1][0].key].tags["workbench.error"]
    rest = {run.key for batch in batches[2:] for run in batch}
    assert {key for key, record in entries.items() if record.status == "FINISHED"} == rest
    assert not (settings.cache / "locks").exists() or not list((settings.cache / "locks").glob("*.json"))


def test_data_that_a_task_finds_in_another_state_are_said_and_nothing_is_recorded(
    undisturbed, settings, in_this_process, write_colours, tmp_path
):
    folder = write_colours(tmp_path / "moving", train=2, val=1, test=2)
    suite = suite_of(undisturbed.suite.models[0], folder)
    told = Told()
    batches = list(fitted_together(prepare_runs(suite, settings, told)))
    store = open_store(settings)
    job = Job.create(batches, Execution(suite, settings, store, told), "slurm", settings)
    (folder / "test" / "red" / "0.png").unlink()
    make_cell(job.folder, 0)
    assert "is not here what it was" in job.events("0").read_text()
    assert store.spool.entries(store.server) == []


def test_a_profile_is_read_and_what_is_wrong_in_it_is_named(tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text('[slurm]\ntime = "1-02:30:00"\ngpus = 1\nmemory = "32GB"\noptions = {qos = "long"}\n')
    assert read_profile(path).slurm == SlurmProfile(time=1590, gpus=1, memory="32GB", options={"qos": "long"})
    assert read_profile(None).slurm == SlurmProfile()
    for text, minutes in (("90:00", 90), ("0:00:30", 1), ("4:00:00", 240), ("2:30", 3)):
        assert SlurmProfile(time=text).time == minutes
    for line, words in (
        ('time = "soon"', r"slurm\.time"),
        ("gpus = 2", r"slurm\.gpus"),
        ('memory = "much"', "such as '32GB'"),
        ("partitions = 3", r"slurm\.partitions"),
    ):
        path.write_text(f"[slurm]\n{line}\n")
        with pytest.raises(CardError, match=words):
            read_profile(path)


def test_gpus_of_a_queue_decide_on_the_precision_where_the_login_node_has_none():
    executor = open_executor("slurm")
    assert executor.adapt(Settings(precision="auto")).precision == "auto"
    with_gpus = type(executor)(SlurmProfile(gpus=1), follow=False)
    assert with_gpus.adapt(Settings(precision="auto")).precision == "bf16"
    assert with_gpus.adapt(Settings(precision="fp32")).precision == "fp32"


def test_options_that_contradict_one_another_are_refused(tmp_path):
    with pytest.raises(WorkbenchError, match="the profile says `parallel`"):
        open_executor("slurm", jobs=2)
    for more in ({"follow": True}, {"profile": tmp_path}, {"name": "ray", "follow": True}):
        with pytest.raises(WorkbenchError, match="goes with --executor slurm"):
            open_executor(**more)
    with pytest.raises(WorkbenchError, match="--raise-error"):
        open_executor("slurm", raise_error=True)
    with pytest.raises(WorkbenchError, match="there are local, slurm, ray"):
        open_executor("cloud")
