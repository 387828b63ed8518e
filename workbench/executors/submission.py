"""Submit a job's cells as an array, and know which of their tasks are alive."""

import contextlib
import logging
import os
import re
import signal
from collections.abc import Collection, Mapping
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.executors.cells import CellTask
from workbench.executors.events import EventLog, Tail
from workbench.executors.jobs import Job
from workbench.executors.profile import SlurmProfile
from workbench.executors.queue import cancel_in_slurm, process_states, slurm_states

_FILE = "submissions.jsonl"


class SubmissionError(WorkbenchError):
    """The queue does not take a job."""


def submit(job: Job, cells: Collection[int], profile: SlurmProfile) -> list[str]:
    """Submit cells as one array, a task for each.

    Returns:
        The tasks' ids.

    Raises:
        SubmissionError: submitit is not installed, or the queue refuses; says why.
    """
    try:
        import submitit
    except ImportError as error:
        raise SubmissionError(
            "--executor slurm: submitit is not installed; pip install 'clip-workbench[slurm]'."
        ) from error
    logging.getLogger("submitit").setLevel(logging.WARNING)
    seconds = 60.0 * profile.time - profile.warning
    tasks = [CellTask(job.folder, cell, seconds) for cell in cells]
    try:
        queue = submitit.AutoExecutor(
            job.folder / "queue", cluster=profile.cluster, slurm_max_num_timeout=profile.timeouts,
            local_max_num_timeout=profile.timeouts,
        )  # fmt: skip
        queue.update_parameters(**_parameters(job, profile))
        submitted = queue.submit_array(tasks)
    except (RuntimeError, OSError, submitit.core.utils.FailedJobError) as error:
        raise SubmissionError(f"--executor slurm: {_words(error)}") from error
    log = EventLog(job.folder / _FILE)
    for cell, each in zip(cells, submitted, strict=True):
        log.append({"cell": cell, "id": each.job_id, "cluster": profile.cluster})
    return [each.job_id for each in submitted]


def tasks_of(job: Job) -> dict[int, tuple[str, str]]:
    """Cluster and id of the last task of each cell that was submitted."""
    return {event["cell"]: (event["cluster"], event["id"]) for event in Tail(job.folder / _FILE).read()}


def states_of(job: Job) -> Mapping[int, str]:
    """`pending` or `running` for each cell whose task is alive.

    Raises:
        QueueError: The queue does not answer.
    """
    tasks = tasks_of(job)
    known = {
        **slurm_states([task for cluster, task in tasks.values() if cluster == "slurm"]),
        **process_states([task for cluster, task in tasks.values() if cluster == "local"]),
    }
    return {cell: known[task] for cell, (_, task) in tasks.items() if task in known}


def cancel(job: Job, *, pending_only: bool) -> None:
    """Cancel a job's tasks, or those that have not begun."""
    tasks = tasks_of(job).values()
    cancel_in_slurm([task for cluster, task in tasks if cluster == "slurm"], pending_only=pending_only)
    for task in process_states([task for cluster, task in tasks if cluster == "local"]):
        if not pending_only:
            with contextlib.suppress(OSError):
                os.kill(int(task), signal.SIGINT)


def _parameters(job: Job, profile: SlurmProfile) -> dict[str, object]:
    name = re.sub(r"[^\w.-]", "_", job.about.suite.name)[:60]
    own = {
        "name": f"workbench-{name}", "timeout_min": profile.time, "cpus_per_task": profile.cpus,
        "gpus_per_node": profile.gpus or None,
    }  # fmt: skip
    if profile.cluster == "slurm":
        own |= {
            "slurm_partition": profile.partition, "slurm_mem": profile.memory, "slurm_account": profile.account,
            "slurm_array_parallelism": profile.parallel, "slurm_signal_delay_s": profile.warning,
            "slurm_setup": list(profile.setup) or None, "slurm_additional_parameters": dict(profile.options) or None,
        }  # fmt: skip
    return {key: value for key, value in own.items() if value is not None}


def _words(error: Exception) -> str:
    """What sbatch said, where it was asked."""
    text = str(error)
    for line in text.splitlines():
        if "sbatch: error" in line:
            return line.partition("sbatch: error:")[2].strip()
    return text.strip().partition("\n")[0]


def log_of(job: Job, cell: int) -> Path:
    """The file of what a cell's last task printed."""
    return job.folder / "queue" / f"{tasks_of(job)[cell][1]}_0_log.err"
