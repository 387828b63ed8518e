"""Make runs with several processes of this machine."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.cores import usable_cores
from workbench.executors.events import EventLog
from workbench.executors.gpus import check_ranks, shares
from workbench.executors.jobs import Job
from workbench.executors.pool import Pool
from workbench.executors.schedule import Task
from workbench.models import resolve_device
from workbench.models.precision import resolve_precision
from workbench.runs.execution import Batch, Execution
from workbench.runs.in_process import InProcess
from workbench.runs.pieces import count_pieces
from workbench.settings import Settings
from workbench.tracking import RunResult

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class LocalExecutor:
    """Several processes of this machine; see `Executor`.

    Args:
        jobs: How many, at least 1. GPUs are shared out to them, and cores.
        ranks: Processes that fit each run together; each of the `jobs` is so many.
    """

    def __init__(self, jobs: int, ranks: int = 1) -> None:
        self.jobs = jobs
        self.ranks = ranks

    def adapt(self, settings: Settings) -> Settings:
        """See `Executor.adapt`."""
        return settings

    def make(self, batches: Sequence[Batch], execution: Execution, total: int) -> list[RunResult]:
        """See `Executor.make`."""
        settings = execution.settings
        device = resolve_device(settings.device)
        pieces = count_pieces(batches, execution.suite, self.jobs)
        size = min(self.jobs, max(len(batches), *pieces.values()))
        if size == self.ranks == 1:
            return InProcess().make(batches, execution, total)
        processes = size * self.ranks
        gpus = shares(processes, device)
        given = [gpus[start : start + self.ranks] for start in range(0, processes, self.ranks)]
        check_ranks(given, self.ranks)
        resolved = {
            "device": "cuda" if device.startswith("cuda") else device,
            "precision": resolve_precision(settings.precision, device),
            "workers": settings.workers or max(1, usable_cores() // processes),
        }
        job = Job.create(batches, execution, "local", settings.model_copy(update=resolved), pieces)
        made = Pool(job, _Nursery(job, given, execution), size, batches, execution, total).run()
        job.remove()
        return made


class _Nursery:
    """The workers of a job; see `nursery` for the process that forks them.

    Args:
        job: The job.
        gpus: `CUDA_VISIBLE_DEVICES` of the processes of each.
        execution: Gives the store's address, which is not written into the job's folder.
    """

    def __init__(self, job: Job, gpus: Sequence[Sequence[str | None]], execution: Execution) -> None:
        self._job, self._gpus = job, gpus
        self._tasks: dict[str, EventLog] = {}
        self._free = list(range(len(gpus)))
        self._places: dict[str, int] = {}
        threads = str(max(1, usable_cores() // sum(map(len, gpus))))
        address = {"MLFLOW_TRACKING_URI": execution.settings.tracking_uri or ""}
        environment = {**dict.fromkeys(_THREADS, threads), **os.environ, **address}
        self._log = job.log("nursery").open("ab")
        self._answers = b""
        # A session of its own: Ctrl-C in a terminal goes to this process alone, which lets the workers finish.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.executors.nursery", str(job.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment, start_new_session=True,
        )  # fmt: skip

    def start(self, name: str) -> None:
        """See `Workers.start`."""
        place = self._places[name] = self._free.pop(0)
        self._tasks[name] = EventLog(self._job.tasks(name))
        environments = [{} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu} for gpu in self._gpus[place]]
        self._send({"start": name, "environments": environments})

    def give(self, name: str, task: Task) -> None:
        """See `Workers.give`."""
        self._tasks[name].append(task.to_json())

    def ended(self) -> Mapping[str, str]:
        """See `Workers.ended`."""
        words = {}
        for message in self._read():
            words[message["ended"]] = _in_words(message["code"])
        if self._process.poll() is not None:
            words |= {name: "the process that starts workers ended" for name in self._places if name not in words}
        for name in words:
            self._free.append(self._places.pop(name))
        return words

    def stop(self) -> None:
        """See `Workers.stop`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _send(self, request: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # It has ended, which `ended` tells.

    def _read(self) -> list[dict[str, Any]]:
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], 0)[0]:
            data = os.read(self._process.stdout.fileno(), 65536)
            if not data:
                break
            self._answers += data
        *lines, self._answers = self._answers.split(b"\n")
        return [json.loads(line) for line in lines]


def _in_words(code: int) -> str:
    return f"ended by signal {-code}" if code < 0 else f"exit code {code}"
