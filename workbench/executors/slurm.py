"""Make runs by a SLURM queue: a job array with a task for each dataset and model."""

import time
from collections.abc import Sequence

from workbench.executors.following import Follower
from workbench.executors.jobs import Job, all_jobs
from workbench.executors.profile import SlurmProfile, gpu_precision, node_settings
from workbench.executors.queue import QueueError
from workbench.executors.submission import states_of, submit
from workbench.formatting import counted
from workbench.runs.execution import Batch, Execution
from workbench.settings import Settings
from workbench.tracking import RunResult

_END_SECONDS = 20.0


class SlurmExecutor:
    """Submits what a plan leaves to do, once; see `Executor`.

    Args:
        profile: What each task is given.
        follow: Wait until all runs are made; otherwise the tasks are left to themselves, and the next command of the
            workbench takes what they have made.
    """

    def __init__(self, profile: SlurmProfile, *, follow: bool) -> None:
        self.profile = profile
        self.follow = follow

    def adapt(self, settings: Settings) -> Settings:
        """See `Executor.adapt`."""
        return gpu_precision(settings, self.profile.gpus)

    def make(self, batches: Sequence[Batch], execution: Execution, total: int) -> list[RunResult]:
        """See `Executor.make`."""
        reporter, suite = execution.reporter, execution.suite
        wanted = {run.key for batch in batches for run in batch}
        jobs: list[Job] = []
        for job in all_jobs(execution.store):
            in_hand = {} if job.is_stopping else _in_hand(job)
            if job.about.suite.name == suite.name and wanted & in_hand.keys() and not execution.fresh:
                reporter.say(f"{counted(len(wanted & in_hand.keys()), 'run is', 'runs are')} in job {job.id} already.")
                wanted -= in_hand.keys()
                jobs.append(job)
        rest = [own for batch in batches if (own := [run for run in batch if run.key in wanted])]
        if rest:
            jobs.append(self._submit(rest, execution))
        if self.follow:
            made = Follower(jobs, self.profile, batches, execution, total).follow()
            _remove_once_ended(jobs)
            return made
        reporter.say("`workbench jobs` shows how far they are; the same command with --follow waits for them.")
        return []

    def _submit(self, batches: Sequence[Batch], execution: Execution) -> Job:
        settings = node_settings(execution.settings, batches[0][0].data.encoder.precision, self.profile.gpus)
        job = Job.create(batches, execution, "slurm", settings)
        try:
            ids = submit(job, range(len(job.about.cells)), self.profile)
        except BaseException:
            job.remove()
            raise
        runs, tasks = counted(sum(map(len, batches)), "run"), counted(len(ids), "task")
        place = f"SLURM job {ids[0].partition('_')[0]}" if self.profile.cluster == "slurm" else "this machine"
        execution.reporter.say(f"{runs} submitted as {tasks} of {place}: job {job.id}.")
        return job


def _remove_once_ended(jobs: Sequence[Job]) -> None:
    """Delete the folders of jobs whose tasks have ended, or do so within seconds; others have runs of another plan."""
    until = time.monotonic() + _END_SECONDS
    while jobs:
        alive = [job for job in jobs if _in_hand(job)]
        for job in jobs:
            if job not in alive:
                job.remove()
        if time.monotonic() > until:
            return
        jobs = alive
        time.sleep(0.5 if jobs else 0)


def _in_hand(job: Job) -> dict[str, int]:
    """Run keys of a job's tasks that are alive, or may be, with their cells."""
    if job.about.executor != "slurm":
        return {}
    try:
        alive = set(states_of(job))
    except QueueError:
        alive = set(range(len(job.about.cells)))
    return {key: i for i in alive for batch in job.about.cells[i].batches for key in batch}
