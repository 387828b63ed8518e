"""A job: runs that other processes make, described in a folder that all of them can read.

`RUNS/jobs/ID/` holds `job.json`, a file of events for each worker (`NAME.events`), and their logs. Finished runs do not
go there, but into the spool of the runs folder.
"""

import contextlib
import json
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from workbench.errors import WorkbenchError
from workbench.files import write_atomically
from workbench.outputs import reason
from workbench.runs.execution import Batch, Execution
from workbench.runs.planned import cell_of
from workbench.runs.suite import Suite
from workbench.settings import Settings
from workbench.tracking import Store
from workbench.tracking.processes import is_gone, this_machine, this_process

_FILE = "job.json"
_STOP = "stop"
_KEPT_SECONDS = 90 * 86400.0


class Cell(BaseModel):
    """The runs of one dataset and one model, and of transfers from it.

    Attributes:
        dataset: Dataset argument.
        model: Model argument.
        batches: Run keys, those together that are fitted together.
        pieces: Into how many pieces their features are cut, for as many workers; 0 if the first worker computes all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    model: str
    batches: tuple[tuple[str, ...], ...]
    pieces: int = 0


class JobDescription(BaseModel):
    """The content of `job.json`. It holds no password.

    Attributes:
        executor: `local`, `slurm` or `ray`.
        started: Seconds since the epoch.
        suite: The suite.
        settings: The settings, without the store's address.
        server: The store as entries of the spool name it.
        machine: Where the command runs that started it, see `this_machine`.
        process: That command, see `this_process`.
        fresh: Finished runs are run again, too.
        directory: The current folder, from which relative paths start.
        cells: The runs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    executor: str
    started: float
    suite: Suite
    settings: Settings
    server: str
    machine: str
    process: str
    fresh: bool
    directory: Path
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Job:
    """A job and its folder.

    Attributes:
        folder: `RUNS/jobs/ID`.
        about: What it does.
    """

    folder: Path
    about: JobDescription

    @property
    def id(self) -> str:
        """Its name; runs that its workers make have it as a tag."""
        return self.folder.name

    @classmethod
    def create(
        cls,
        batches: Sequence[Batch],
        execution: Execution,
        executor: str,
        settings: Settings,
        pieces: Mapping[tuple[str, str], int] | None = None,
    ) -> "Job":
        """Describe runs in a new folder.

        Args:
            batches: What is to be made.
            execution: What all of them share.
            executor: The executor's name.
            settings: Those that workers take.
            pieces: `Cell.pieces` by cell, see `cell_of`; 0 where it is not named.

        Raises:
            WorkbenchError: The runs folder cannot be written.
        """
        suite, store = execution.suite, execution.store
        cells: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for batch in batches:
            cells.setdefault(cell_of(batch[0].spec, suite), []).append(tuple(run.key for run in batch))
        about = JobDescription(
            executor=executor,
            started=time.time(),
            suite=suite,
            settings=settings.model_copy(update={"tracking_uri": None, "runs": store.runs}),
            server=store.server,
            machine=this_machine(),
            process=this_process(),
            fresh=execution.fresh,
            directory=Path.cwd(),
            cells=tuple(
                Cell(dataset=cell[0], model=cell[1], batches=tuple(keys), pieces=(pieces or {}).get(cell, 0))
                for cell, keys in cells.items()
            ),
        )
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        folder = jobs_folder(store) / name
        for job in all_jobs(store):
            if job.is_left_behind:
                job.remove()
        try:
            write_atomically(folder / _FILE, about.model_dump_json(indent=1).encode())
        except OSError as error:
            raise WorkbenchError(f"{folder.parent}: {reason(error)}. WORKBENCH_RUNS names the folder.") from error
        return cls(folder, about)

    @classmethod
    def open(cls, folder: Path) -> "Job":
        """The job in a folder; raises `WorkbenchError` where there is none, or a damaged one."""
        try:
            values = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return cls(folder, JobDescription.model_validate(values))
        except (OSError, ValueError) as error:
            raise WorkbenchError(f"{folder / _FILE}: cannot be read as a job ({type(error).__name__}).") from error

    @property
    def is_left_behind(self) -> bool:
        """Whether the command that its workers depend on is gone; a job of a queue depends on none, and is kept."""
        about = self.about
        if about.executor == "slurm":
            return time.time() - about.started > _KEPT_SECONDS
        return about.machine == this_machine() and is_gone(about.process)

    def spooling_store(self) -> Store:
        """The store as workers on other machines have it: a spool alone."""
        return Store(self.about.server, None, self.about.settings.runs, self.id)

    @property
    def is_stopping(self) -> bool:
        """Whether workers are to begin nothing more."""
        return (self.folder / _STOP).exists()

    def stop(self) -> None:
        """Tell workers, wherever they are, to finish what they have in hand and begin nothing more."""
        with contextlib.suppress(OSError):
            (self.folder / _STOP).touch()

    def events(self, name: str) -> Path:
        """The file of a worker's events."""
        return self.folder / f"{name}.events"

    def tasks(self, name: str) -> Path:
        """The file of a worker's tasks."""
        return self.folder / f"{name}.tasks"

    def log(self, name: str) -> Path:
        """The file of what a worker prints."""
        return self.folder / f"{name}.log"

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def jobs_folder(store: Store) -> Path:
    """The folder of all jobs of a store."""
    return store.runs / "jobs"


def all_jobs(store: Store) -> list[Job]:
    """The jobs of a store that can be read, the oldest first."""
    found = []
    for path in sorted(jobs_folder(store).glob(f"*/{_FILE}")):
        with contextlib.suppress(WorkbenchError):
            found.append(Job.open(path.parent))
    return found
