"""How far the jobs of a store are."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.executors.events import Tail
from workbench.executors.jobs import Job, all_jobs, jobs_folder
from workbench.executors.queue import QueueError
from workbench.executors.submission import cancel, states_of, tasks_of
from workbench.registry import closest
from workbench.tracking import Store


@dataclass(frozen=True)
class TaskState:
    """One task of a job: the runs of one dataset and one model.

    Attributes:
        task: The queue's id; empty where the job has no queue.
        state: `pending`, `running`, `finished`, `stopped`, `lost` (ended with runs undone) or `unknown` (the queue does
            not answer).
        made: Runs that were made.
        runs: All runs.
        last: What it said last.
    """

    dataset: str
    model: str
    task: str
    state: str
    made: int
    runs: int
    last: str


@dataclass(frozen=True)
class JobState:
    """A job.

    Attributes:
        job: Its name.
        suite: The suite's.
        executor: `local`, `slurm` or `ray`.
        started: When it was submitted, `2025-01-31 12:00`.
        tasks: Its tasks.
    """

    job: str
    suite: str
    executor: str
    started: str
    tasks: tuple[TaskState, ...]


def job_states(store: Store) -> list[JobState]:
    """The jobs of a store, the oldest first."""
    return [_state(job) for job in all_jobs(store) if not job.is_left_behind]


def stop_job(store: Store, name: str) -> Job:
    """Cancel a job's tasks that wait, and let those that run finish what they have in hand.

    Raises:
        WorkbenchError: There is no such job.
    """
    known = {job.id: job for job in all_jobs(store)}
    if name not in known:
        hint = closest(name, known) or " `workbench jobs` lists them."
        raise WorkbenchError(f"No job {name!r} in {jobs_folder(store)}.{hint}")
    known[name].stop()
    if known[name].about.executor == "slurm":
        cancel(known[name], pending_only=True)
    return known[name]


def _state(job: Job) -> JobState:
    about = job.about
    alive: Mapping[int, str] | None = {}
    if about.executor == "slurm":
        try:
            alive = states_of(job)
        except QueueError:
            alive = None
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(about.started))
    tasks = tuple(_task(job, i, alive) for i in range(len(about.cells)))
    return JobState(job.id, about.suite.name, about.executor, started, tasks)


def _task(job: Job, index: int, alive: Mapping[int, str] | None) -> TaskState:
    cell, queued = job.about.cells[index], job.about.executor == "slurm"
    wanted = {key for batch in cell.batches for key in batch}
    files = [job.events(str(index))] if queued else sorted(job.folder.glob("*.events"))
    made, last, stopped = _read(files)
    made &= wanted
    if made == wanted:
        state = "finished"
    elif not queued:
        state = "running"
    elif alive is None:
        state = "unknown"
    else:
        state = alive.get(index, "stopped" if stopped or job.is_stopping else "lost")
    _, task = tasks_of(job).get(index, ("", ""))
    return TaskState(cell.dataset, cell.model, task, state, len(made), len(wanted), last if queued else "")


def _read(files: list[Path]) -> tuple[set[str], str, bool]:
    made: set[str] = set()
    last, stopped = "", False
    for file in files:
        for event in Tail(file).read():
            made |= set(event.get("made", ()))
            last = event.get("say") or event.get("reason") or last
            stopped = "stopped" in event
    return made, last, stopped
