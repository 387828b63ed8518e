"""Locks on batches of runs, so that no two processes of this machine make the same run at a time."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from workbench.locks import locked
from workbench.runs.planned import PlannedRun
from workbench.runs.reporter import Reporter

_NAMES = 3  # Hexadecimal digits of a lock's name: there are never more than 4,096 files.


@contextmanager
def claimed(runs: Sequence[PlannedRun], cache: Path, reporter: Reporter) -> Iterator[None]:
    """Lock a batch until the end of the block, and report the process that it waits for.

    A process holds one lock at a time, so that processes with the same batches in another order cannot wait for each
    other. Runs that a recipe fits together have one lock, whatever their shots and seeds. In a cache that cannot be
    written nothing is locked.

    Args:
        runs: Runs that are fitted together, see `fitted_together`.
        cache: The folder above `locks`.
        reporter: Gets a message when another process has to be waited for.
    """
    from filelock import Timeout

    folder = cache / "locks"
    path = folder / f"{_identity(runs[0])[:_NAMES]}.lock"
    holder = path.with_suffix(".json")
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(path, timeout=0))
        except Timeout:
            reporter.say(f"waiting for {_described(holder)} before {runs[0].spec} goes on.")
            stack.enter_context(locked(path))
        except OSError:
            # A cache that is full, or that others made and this user may only read: a run made twice is better than
            # none.
            yield
            return
        try:
            # On a full disk the message to the waiting process says less.
            with contextlib.suppress(OSError):
                holder.write_text(json.dumps({"pid": os.getpid(), "work": str(runs[0].spec)}), encoding="utf-8")
            yield
        finally:
            with contextlib.suppress(OSError):
                holder.unlink(missing_ok=True)


def _identity(run: PlannedRun) -> str:
    if not run.is_batched:
        return run.key
    # The same for every number of shots and every seed.
    spec, model = run.spec, run.data.encoder.fingerprint
    parts = [run.data.dataset.fingerprint, model, spec.recipe, spec.label, spec.config.model_dump_json()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _described(holder: Path) -> str:
    try:
        record = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {record['pid']}, which works on {record['work']},"
    except (OSError, ValueError, KeyError):
        return "another process"
