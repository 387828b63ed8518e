"""Where runs are made: this process, several of this machine, a SLURM queue, or a Ray cluster."""

import sys
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.runs.execution import Executor

__all__ = ["EXECUTORS", "open_executor", "workers_of"]

EXECUTORS = ("local", "slurm", "ray")


def open_executor(
    name: str = "local",
    *,
    jobs: int | None = None,
    profile: Path | None = None,
    follow: bool = False,
    raise_error: bool = False,
    data_parallel: int = 1,
) -> Executor | None:
    """The executor that is asked for; None for this process.

    Args:
        name: `local` for this machine, `slurm` for a queue, `ray` for a cluster.
        jobs: Processes of this machine, None for 1; or workers of a Ray cluster, None for all that it has room for.
        profile: TOML file that says what the queue or the cluster is asked for, see `Profile`.
        follow: Wait for the queue; the other executors always wait.
        data_parallel: Processes of this machine that make each run together, see `ranks`.
        raise_error: Whether the first run that fails is to stop the suite, with its traceback.

    Raises:
        WorkbenchError: The options contradict one another, or the profile is wrong.
    """
    if name not in EXECUTORS:
        raise WorkbenchError(f"--executor {name}: is none; there are {', '.join(EXECUTORS)}.")
    if data_parallel > 1 and name != "local":
        raise WorkbenchError(f"--data-parallel: is for this machine; leave --executor {name} out.")
    if raise_error and (name != "local" or (jobs or 1) > 1 or data_parallel > 1):
        raise WorkbenchError("--raise-error: stops this process at the first run that fails; it goes with --jobs 1.")
    if name == "slurm":
        from workbench.executors.profile import read_profile
        from workbench.executors.slurm import SlurmExecutor

        if jobs is not None:
            raise WorkbenchError("--jobs: is for this machine; with --executor slurm the profile says `parallel`.")
        return SlurmExecutor(read_profile(profile).slurm, follow=follow)
    if follow:
        raise WorkbenchError("--follow: goes with --executor slurm; the others wait anyway.")
    if name == "ray":
        from workbench.executors.on_ray import RayExecutor
        from workbench.executors.profile import read_profile

        return RayExecutor(read_profile(profile).ray, jobs)
    if profile is not None:
        raise WorkbenchError("--profile: goes with --executor slurm or ray.")
    if (jobs or 1) == data_parallel == 1:
        return None
    if sys.platform != "linux":
        raise WorkbenchError(
            "--jobs, --data-parallel: several processes are tried on Linux alone; elsewhere leave it out."
        )
    from workbench.executors.local import LocalExecutor

    return LocalExecutor(jobs or 1, data_parallel)


def workers_of(name: str = "local", jobs: int | None = None, profile: Path | None = None) -> tuple[int, bool]:
    """How many processes an executor has at a time, and whether each takes a dataset and model with all its runs.

    Of a Ray cluster whose workers are not counted, 1 is said.

    Args:
        name: As for `open_executor`, as are the others.
        jobs: Likewise.
        profile: Likewise.
    """
    if name == "slurm":
        from workbench.executors.profile import read_profile

        return read_profile(profile).slurm.parallel, True
    return jobs or 1, False
