"""Start workers on this machine: a process that has imported everything forks them, so that each starts at once.

`python -m workbench.executors.nursery JOB` reads lines of JSON, `{"start": NAME, "environment": {...}}`, and answers
with `{"ended": NAME, "code": CODE}` when a worker is gone. It ends, and all workers with it, when its input ends: when
the command that started it is done, or was killed.
"""

import json
import os
import select
import signal
import sys
import threading
import time
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
    names: dict[int, str] = {}
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
                names[_fork(folder, request["start"], request["environment"])] = request["start"]
        while names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            _answer({"ended": names.pop(pid), "code": os.waitstatus_to_exitcode(status)})
    for pid in names:
        os.kill(pid, signal.SIGKILL)


def serve(folder: Path, name: str) -> None:
    """Be a worker: do the tasks that come, until the process that started this one is gone."""
    job = Job.open(folder)
    settings = job.about.settings
    here = open_store(Settings(**{**dict(settings), "tracking_uri": os.environ["MLFLOW_TRACKING_URI"] or None}))
    store = Store(here.uri, here.artifacts, here.runs, job.id)
    worker, tasks = Worker(job, name, store, alone=False), Tail(job.tasks(name))
    worker.log.append({"ready": os.getpid()})
    while True:
        for values in tasks.read():
            worker.do(Task.from_json(values))
        time.sleep(_POLL_SECONDS)


def _fork(folder: Path, name: str, environment: dict[str, str]) -> int:
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
        os.environ.update(environment)
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        serve(folder, name)
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
