"""Batches of runs are held against other processes of this machine, so that no run is made twice at a time."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.runs.jobs import Job
from workbench.runs.reporter import Reporter

_NAMES = 3  # Hexadecimal digits of a lock's name: there are never more than 4,096 files.


@contextmanager
def claimed(jobs: Sequence[Job], cache: Path, tell: Reporter) -> Iterator[None]:
    """Hold a batch until the end of the block, and say whom it waits for.

    A process holds one lock at a time, so that processes with the same batches in another order cannot wait for each
    other. What a recipe fits together has one lock, whatever its shots and seeds. A cache that cannot be written has no
    locks, and nothing is held there.

    Args:
        jobs: What is fitted together, see `batches`.
        cache: Locks are below it.
        tell: Told when another process has to be waited for.
    """
    from filelock import FileLock, Timeout

    folder = cache / "locks"
    path = folder / f"{_identity(jobs[0])[:_NAMES]}.lock"
    lock, holder = FileLock(path), path.with_suffix(".json")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        tell.say(f"waiting for {_described(holder)} before {jobs[0].cell} goes on.")
        lock.acquire()
    except OSError:
        # A cache that is full, or that others made and this user may only read: a run made twice is better than none.
        yield
        return
    try:
        # A full disk: whoever waits is told less.
        with contextlib.suppress(OSError):
            holder.write_text(json.dumps({"pid": os.getpid(), "work": str(jobs[0].cell)}), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _identity(job: Job) -> str:
    if not job.is_batched:
        return job.key
    # The same for every number of shots and every seed.
    cell, model = job.cell, job.bench.encoder.fingerprint
    parts = [job.bench.dataset.fingerprint, model, cell.recipe, cell.label, cell.config.model_dump_json()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _described(holder: Path) -> str:
    try:
        about = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {about['pid']}, which works on {about['work']},"
    except (OSError, ValueError, KeyError):
        return "another process"
