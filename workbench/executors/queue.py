"""Which tasks of a queue are still to be waited for."""

import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from workbench.errors import WorkbenchError

_LIVING = {
    "PENDING": "pending", "REQUEUED": "pending", "REQUEUE_HOLD": "pending", "CONFIGURING": "pending",
    "SUSPENDED": "pending", "PREEMPTED": "pending", "REQUEUE_FED": "pending", "SPECIAL_EXIT": "pending",
}  # fmt: skip
_SECONDS = 60.0


class QueueError(WorkbenchError):
    """The queue does not answer."""


def slurm_states(ids: Collection[str]) -> Mapping[str, str]:
    """`pending` or `running` for each task that SLURM still has; those that have ended are left out.

    `squeue` is asked and not `sacct`, which needs a database that small clusters do not have.

    Args:
        ids: Ids of tasks, such as `12_0`, or of jobs without an array.

    Raises:
        QueueError: SLURM does not answer.
    """
    if not ids:
        return {}
    jobs = sorted({each.partition("_")[0] for each in ids})
    command = ["squeue", "--noheader", "--array", "--format=%i|%T", f"--jobs={','.join(jobs)}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QueueError(f"squeue: does not answer ({error}).") from error
    if asked.returncode:
        if "Invalid job id" in asked.stderr:  # Of a single job that is long gone.
            return {}
        raise QueueError(f"squeue: {asked.stderr.strip().partition(chr(10))[0]}")
    states = dict(line.split("|", 1) for line in asked.stdout.split() if "|" in line)
    return {task: _LIVING.get(state, "running") for task, state in states.items() if task in ids}


def cancel_in_slurm(ids: Collection[str], *, pending_only: bool) -> None:
    """Cancel tasks; those that have ended are no error."""
    if ids:
        only = ["--state=PENDING"] if pending_only else []
        subprocess.run(["scancel", "--quiet", *only, *sorted(ids)], capture_output=True, timeout=_SECONDS, check=False)


def process_states(ids: Collection[str]) -> Mapping[str, str]:
    """`running` for each process of submitit's local executor that is alive."""
    states = {}
    for task in ids:
        try:
            stat = Path(f"/proc/{task}/stat").read_text(encoding="utf-8")
            command = Path(f"/proc/{task}/cmdline").read_bytes()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[0] not in {"Z", "X"} and b"submitit" in command:
            states[task] = "running"
    return states
