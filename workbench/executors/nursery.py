"""Start workers on this machine: a process that has imported everything forks them, so that each starts at once.

`python -m workbench.executors.nursery JOB` reads lines of JSON, `{"start": NAME, "environments": [{...}]}`, and answers
with `{"ended": NAME, "code": CODE}` when a worker is gone. A worker with several environments is as many processes, see
`ranks`. It ends, and all workers with it, when its input ends: when the command that started it is done, or was killed.
"""

import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workbench.executors.events import Tail
from workbench.executors.jobs import Job
from workbench.executors.schedule import Task
from workbench.executors.worker import Worker
from workbench.settings import Settings
from workbench.tracking import Store, open_store

_POLL_SECONDS = 0.05


def main(folder: Path) -> None:
    """Start workers until the input ends."""
    _import_what_workers_need()
    groups: dict[str, dict[int, int | None]] = {}
    waiting = b""
    while True:
        ready, _, _ = select.select([0], [], [], _POLL_SECONDS)
        if ready:
            data = os.read(0, 65536)
            if not data:
                break
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                request = json.loads(line)
                name, environments = request["start"], request["environments"]
                groups[name] = {_fork(folder, name, environments, rank): None for rank in range(len(environments))}
        for name in [name for name, codes in groups.items() if _has_ended(codes)]:
            # The first that ended says why; those that were killed for it say nothing.
            codes = [code for code in groups.pop(name).values() if code is not None]
            _answer({"ended": name, "code": codes[0]})
    for codes_by_pid in groups.values():
        _kill(codes_by_pid)


def _has_ended(codes: dict[int, int | None]) -> bool:
    """Reap a worker's processes; where one has ended all end."""
    for pid in codes:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            codes[pid] = os.waitstatus_to_exitcode(status)
            _kill(codes)
            return True
    return False


def _kill(codes: dict[int, int | None]) -> None:
    for pid, code in codes.items():
        if code is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def serve(folder: Path, name: str, rank: int, ranks: int) -> None:
    """Be a worker: do the tasks that come, until the process that started this one is gone.

    Args:
        folder: The job's folder.
        name: The worker's name.
        rank: Number of this process among those that fit together.
        ranks: Number of these.
    """
    job = Job.open(folder)
    settings = job.about.settings
    here = open_store(Settings(**{**dict(settings), "tracking_uri": os.environ["MLFLOW_TRACKING_URI"] or None}))
    store = Store(here.uri, here.artifacts, here.runs, job.id)
    if ranks == 1:
        _work(Worker(job, name, store, alone=False), job.tasks(name))
        return
    from workbench.executors.ranks import Lead, follow, joined

    with joined(folder.absolute() / f"{name}.group", rank, ranks):
        if rank:
            follow(Worker(job, f"{name}-{rank}", store, alone=False))
        lead = Lead()
        _work(Worker(job, name, store, alone=False, fitting=lead.fitting), job.tasks(name), lambda: lead.is_broken)


def _work(worker: Worker, path: Path, is_over: Callable[[], bool] = lambda: False) -> None:
    tasks = Tail(path)
    worker.log.append({"ready": os.getpid()})
    while not is_over():
        for values in tasks.read():
            worker.do(Task.from_json(values))
        time.sleep(_POLL_SECONDS)


def _fork(folder: Path, name: str, environments: Sequence[dict[str, str]], rank: int) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        log = os.open(Job.open(folder).log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(environments[rank])
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        serve(folder, name, rank, len(environments))
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1)


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone: nobody would take its runs."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _import_what_workers_need() -> None:
    """Once for all. Nothing is computed here: threads and the state of a GPU do not live through a fork."""
    import open_clip  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    import workbench.models.checkpoints  # noqa: F401


def _answer(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    from workbench.memory import keep_freed_memory

    keep_freed_memory()
    main(Path(sys.argv[1]))
