"""The MLflow store: a local SQLite file with an artifact folder, or whatever MLFLOW_TRACKING_URI names."""

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.settings import Settings
from workbench.tracking._reach import be_impatient, check_server
from workbench.tracking._sqlite_file import make, move_artifacts
from workbench.tracking.faults import StoreError, faults, why
from workbench.tracking.link import Link
from workbench.tracking.spool import Spool, server_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_LEVELS = 3
"""Folders of an artifact's path below `artifacts`: that of the suite, that of the run, and `artifacts` again."""
_NEEDED = 20_000_000
"""Bytes that have to be free for runs; a single run leaves less, but for networks."""


@dataclass(frozen=True)
class Store:
    """A tracking store.

    Attributes:
        uri: MLflow tracking URI.
        artifacts: Local artifact folder of new experiments; None leaves it to the server.
        runs: The runs folder, below which is kept what the store does not take.
        job: The job that this process makes runs for: they go to the spool, from which another process sends them.
    """

    uri: str
    artifacts: Path | None = None
    runs: Path = Path("runs")
    job: str = ""

    @cached_property
    def link(self) -> Link:
        """Whether it is worth asking the store."""
        return Link(self)

    @property
    def is_remote(self) -> bool:
        """Whether it is a server or a database elsewhere, which may not answer."""
        return urlparse(self.uri).scheme not in {"sqlite", "file", ""}

    @property
    def spool(self) -> Spool:
        """The spool, which keeps runs that the store did not take."""
        return Spool(self.runs / "spool")

    @property
    def server(self) -> str:
        """The store's name in entries of the spool: the URI without user and password."""
        return server_of(self.uri)

    @property
    def sqlite_file(self) -> Path | None:
        """The database of a local store, which can be read without MLflow."""
        return Path(self.uri.removeprefix(_SQLITE)) if self.uri.startswith(_SQLITE) else None

    @property
    def name(self) -> str:
        """The URI as people may see it, without a password."""
        return masked(self.uri)

    @property
    def exists(self) -> bool:
        """Whether there is anything to read; a server is assumed to be."""
        file = self.sqlite_file
        if file is None:
            return True
        try:
            if file.exists() and not file.is_file():
                raise WorkbenchError(f"{self.name}: {file} is no file, so it is no store.")
            existing = next((folder for folder in file.parents if folder.exists()), None)
        except (OSError, ValueError) as error:
            raise WorkbenchError(f"{self.name}: no file can be called so ({error}).") from error
        if existing is not None and not existing.is_dir():
            raise WorkbenchError(
                f"{self.name}: {existing} is no folder, so there can be no store below it; WORKBENCH_RUNS or "
                "--tracking-uri names another place."
            )
        return file.is_file()

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's client; imports mlflow, and makes the local store where there is none.

        Raises:
            StoreError: The store is a server or a database that does not answer within seconds.
            WorkbenchError: MLflow cannot open it, or the local store cannot be made.
        """
        quiet()
        from mlflow import MlflowClient

        if self.is_remote:
            check_server(self.uri)
        try:
            if self.sqlite_file is not None:
                make(self.sqlite_file, _make_tables)
            return MlflowClient(tracking_uri=self.uri)
        except faults() as error:
            if isinstance(error, WorkbenchError):
                raise
            raise WorkbenchError(f"--tracking-uri {self.name}: MLflow cannot open it ({why(error)}).") from error
        except ImportError as error:
            raise WorkbenchError(
                f"--tracking-uri {self.name}: the driver of this database is not installed ({error}); install it "
                "with pip."
            ) from error
        except ValueError as error:
            raise WorkbenchError(f"--tracking-uri {self.name}: is no address of a store ({error}).") from error

    def check_writable(self) -> None:
        """See that a run can be kept, before it is made; of a server that is found out when it gets one.

        Raises:
            WorkbenchError: The folder of a local store may not be written, or has no space; says which.
        """
        if self.artifacts is None or self.sqlite_file is None:
            return
        folder = next(folder for folder in (self.runs, *self.runs.parents) if folder.exists())
        for path in (folder, self.sqlite_file, self.artifacts):
            if path.exists() and not os.access(path, os.W_OK):
                raise WorkbenchError(
                    f"{path}: may not be written, so no run can be kept. WORKBENCH_RUNS names another folder for them."
                )
        if (free := shutil.disk_usage(folder).free) < _NEEDED:
            raise WorkbenchError(
                f"{self.runs}: {free / 1e6:.0f} MB are left there, and runs need {_NEEDED / 1e6:.0f} MB at least. Free "
                "space, or let WORKBENCH_RUNS name another folder; what is finished is kept."
            )

    def artifact_folder(self, uri: str) -> Path | None:
        """The folder of a run's artifacts, beside the store where that was moved with them; None for a server's."""
        folder = local_path(uri)
        if folder is None or self.artifacts is None or folder.exists() or len(folder.parts) < _LEVELS:
            return folder
        beside = self.artifacts.joinpath(*folder.parts[-_LEVELS:])
        return beside if beside.exists() else folder

    def delete_run(self, run_id: str, artifact_uri: str) -> None:
        """Delete a run; of a local store its artifacts go, too, where MLflow would keep them for ever."""
        self.client.delete_run(run_id)
        place = self.artifact_folder(artifact_uri)
        if self.artifacts is not None and place is not None and self.artifacts in place.parents:
            shutil.rmtree(place.parent, ignore_errors=True)

    def experiment(self, name: str) -> str:
        """Id of the experiment called `name`, made if there is none; looked up once."""
        if name not in self._experiments:
            self._experiments[name] = self._experiment(name)
        return self._experiments[name]

    @cached_property
    def _experiments(self) -> dict[str, str]:
        return {}

    def _place_of(self, suite: str) -> str | None:
        return (self.artifacts / _folder_name(suite)).as_uri() if self.artifacts else None

    def _follow(self, recorded: str, suite: str) -> None:
        """Write artifacts of new runs beside a store that was moved: MLflow would go on at the old place."""
        place, now = local_path(recorded), self._place_of(suite)
        if self.sqlite_file is None or now is None or place is None or recorded == now or place.exists():
            return
        if (folder := local_path(now)) is not None and folder.exists():
            move_artifacts(self.sqlite_file, recorded, now)

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException, RestException

        try:
            experiment = self.client.get_experiment_by_name(name)
            if experiment is not None:
                if experiment.lifecycle_stage == "deleted":
                    raise WorkbenchError(
                        f"suite {name!r}: MLflow has a deleted experiment of that name; restore it "
                        f"(`mlflow experiments restore -x {experiment.experiment_id}`) or rename the suite."
                    )
                self._follow(experiment.artifact_location, name)
                return str(experiment.experiment_id)
            location = self._place_of(name)
            return str(self.client.create_experiment(name, artifact_location=location))
        except (RestException, MlflowException) as error:
            again = self.client.get_experiment_by_name(name)  # Another process may have made it meanwhile.
            if again is not None:
                return str(again.experiment_id)
            raise StoreError(f"{self.name}: MLflow refused the experiment {name!r} ({why(error)}).") from error


def _make_tables(uri: str) -> None:
    from mlflow import MlflowClient

    # A connection that stays open would go on writing to the file under its old name.
    MlflowClient(tracking_uri=uri)._tracking_client.store.engine.dispose()


def open_store(settings: Settings) -> Store:
    """The store that settings name; the default is `mlflow.db` and `artifacts/` below `settings.runs`.

    Raises:
        WorkbenchError: The address in the settings is not valid.
    """
    if settings.tracking_uri:
        uri = settings.tracking_uri
        try:
            urlparse(uri)
        except ValueError as error:
            raise WorkbenchError(
                f"--tracking-uri {masked(uri)} (or MLFLOW_TRACKING_URI): is no address of a store ({error})."
            ) from error
        return Store(uri if "://" in uri or ":" in uri else Path(uri).resolve().as_uri(), runs=settings.runs.resolve())
    runs = settings.runs.resolve()
    return Store(f"{_SQLITE}{runs / 'mlflow.db'}", runs / "artifacts", runs)


def local_path(uri: str) -> Path | None:
    """The folder that a `file:` URI means; None for other URIs."""
    return Path(unquote(urlparse(uri).path)) if uri.startswith("file:") else None


def quiet() -> None:
    """Turn off MLflow's telemetry, chatter and long waits before it is imported."""
    be_impatient()
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    # MLflow would print each run's address, the password in it included, among a command's own output.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # One for each file of each run.
    import logging

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # These log tracebacks of errors that are raised and reported, too.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _folder_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
