"""Make runs with the workers of a Ray cluster."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.executors.jobs import Job
from workbench.executors.pool import Pool
from workbench.executors.profile import RayProfile, gpu_precision, node_settings
from workbench.executors.schedule import Task
from workbench.executors.worker import Worker
from workbench.locks import go_without_locks
from workbench.runs.execution import Batch, Execution
from workbench.runs.pieces import count_pieces
from workbench.settings import Settings
from workbench.tracking import RunResult

_PASSED_ON = ("WORKBENCH_", "HF_", "TORCH_HOME", "OMP_NUM_THREADS")
"""Variables that workers get from the command's environment begin so."""
_ASK_SECONDS = 5.0


class RayExecutor:
    """Workers on the nodes of a Ray cluster; see `Executor`.

    Args:
        profile: Where the cluster is, and what each worker is given.
        jobs: Workers at most; None for as many as the cluster has room for.
    """

    def __init__(self, profile: RayProfile, jobs: int | None) -> None:
        self.profile = profile
        self.jobs = jobs

    def adapt(self, settings: Settings) -> Settings:
        """See `Executor.adapt`."""
        return gpu_precision(settings, self.profile.gpus)

    def make(self, batches: Sequence[Batch], execution: Execution, total: int) -> list[RunResult]:
        """See `Executor.make`."""
        ray = _ray()
        is_ours = not ray.is_initialized()
        if is_ours:
            _connect(ray, self.profile.address)
        try:
            room = sum(_room(node, self.profile) for node in ray.nodes())
            if not room:
                raise WorkbenchError(_no_room(self.profile))
            most = self.jobs or room
            pieces = count_pieces(batches, execution.suite, most)
            size = min(most, max(len(batches), *pieces.values()))
            settings = node_settings(execution.settings, batches[0][0].data.encoder.precision, self.profile.gpus)
            job = Job.create(batches, execution, "ray", settings, pieces)
            made = Pool(job, _RayWorkers(ray, job, self.profile), size, batches, execution, total).run()
            job.remove()
            return made
        finally:
            if is_ours:
                ray.shutdown()


class RayWorker:
    """The actor: a worker on some node.

    Args:
        folder: The job's folder, on a disk that all nodes share.
        name: The worker's name.
    """

    def __init__(self, folder: str, name: str) -> None:
        go_without_locks()
        job = Job.open(Path(folder))
        self._worker = Worker(job, name, job.spooling_store(), alone=True)
        self._worker.log.append({"ready": os.getpid()})

    def do(self, values: dict[str, Any]) -> None:
        """Do a task; what comes of it stands in the job's folder."""
        self._worker.do(Task.from_json(values))


class _RayWorkers:
    """See `Workers`."""

    def __init__(self, ray: Any, job: Job, profile: RayProfile) -> None:
        self._ray, self._job, self._profile = ray, job, profile
        self._actors: dict[str, Any] = {}
        self._calls: dict[Any, str] = {}
        self._asked = time.monotonic()

    def start(self, name: str) -> None:
        profile = self._profile
        variables = {key: value for key, value in os.environ.items() if key.startswith(_PASSED_ON)}
        options = {
            "num_cpus": profile.cpus, "num_gpus": profile.gpus, "memory": profile.memory_bytes,
            "resources": dict(profile.resources), "runtime_env": {"env_vars": variables}, "max_restarts": 0,
        }  # fmt: skip
        actor = self._ray.remote(RayWorker).options(**options).remote(str(self._job.folder), name)
        self._actors[name] = actor
        self._calls[actor.__ray_ready__.remote()] = name

    def give(self, name: str, task: Task) -> None:
        self._calls[self._actors[name].do.remote(task.to_json())] = name

    def ended(self) -> Mapping[str, str]:
        words: dict[str, str] = {}
        ready, _ = (
            self._ray.wait(list(self._calls), num_returns=len(self._calls), timeout=0) if self._calls else ([], 0)
        )
        for call in ready:
            name = self._calls.pop(call)
            try:
                self._ray.get(call)
            except self._ray.exceptions.RayError as error:
                words[name] = _first_line(error)
        for name in words | self._without_room():
            words.setdefault(name, _no_room(self._profile))
            self._ray.kill(self._actors.pop(name))
            self._calls = {call: own for call, own in self._calls.items() if own != name}
        return words

    def stop(self) -> None:
        for actor in self._actors.values():
            self._ray.kill(actor)

    def _without_room(self) -> dict[str, str]:
        """Workers that wait for a node, where no node could ever take them."""
        if time.monotonic() - self._asked < _ASK_SECONDS:
            return {}
        self._asked = time.monotonic()
        if any(_room(node, self._profile) for node in self._ray.nodes()):
            return {}
        return dict.fromkeys(set(self._calls.values()), "")


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise WorkbenchError("--executor ray: ray is not installed; pip install 'clip-workbench[ray]'.") from error
    return ray


def _connect(ray: Any, address: str) -> None:
    try:
        ray.init(
            address=None if address == "local" else address, log_to_driver=False, logging_level="ERROR",
            include_dashboard=False if address == "local" else None,
        )  # fmt: skip
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise WorkbenchError(
            f"--executor ray: no cluster answers at {address!r} ({_first_line(error)}). `ray start --head` starts one "
            "here; [ray] address in the profile names another, or 'local' for one that lives as long as the command."
        ) from error


def _room(node: Mapping[str, Any], profile: RayProfile) -> int:
    """How many workers a node could take if nobody else used it."""
    if not node["Alive"]:
        return 0
    asked = {"CPU": profile.cpus, "GPU": profile.gpus, "memory": profile.memory_bytes or 0, **profile.resources}
    return min(int(node["Resources"].get(name, 0) / amount) for name, amount in asked.items() if amount)


def _no_room(profile: RayProfile) -> str:
    asked = [f"{profile.cpus:g} CPUs", f"{profile.gpus:g} GPUs", profile.memory or "", *profile.resources]
    return f"no node of the Ray cluster has what a worker asks for ({', '.join(filter(None, asked))})"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
