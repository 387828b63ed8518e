"""Read runs. A local SQLite store is queried directly and read-only, many times faster than by MLflow's search."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from dataclasses import field as default
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.tracking import schema
from workbench.tracking.store import Store

_STATUS = {"FINISHED": "finished", "FAILED": "failed", "RUNNING": "running", "KILLED": "killed", "SCHEDULED": "running"}


@dataclass(frozen=True)
class RunResult:
    """One run, as `results --json` prints it.

    Attributes:
        metrics: Plain names to values; `_ci_low` and `_ci_high` beside each.
        params: The recipe's settings.
        tags: Versions, fingerprints, notes.
        status: `finished`, `failed`, `running` or `killed`.
        started: Milliseconds since the epoch.
        artifact_uri: Where its artifacts lie.
    """

    run_id: str
    suite: str
    model: str
    dataset: str
    field: str
    task: str
    recipe: str
    shots: str
    seed: int
    status: str
    metrics: dict[str, float] = default(default_factory=dict)
    params: dict[str, str] = default(default_factory=dict)
    tags: dict[str, str] = default(default_factory=dict)
    started: int = 0
    artifact_uri: str = ""

    @property
    def label(self) -> str:
        """What tables call the recipe."""
        return self.tags.get(schema.LABEL, self.recipe)

    @property
    def key(self) -> str:
        """The run key."""
        return self.tags.get(schema.RUN_KEY, "")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_runs(
    store: Store, suite: str | None = None, *, run_id: str | None = None, key: str | None = None
) -> list[RunResult]:
    """Runs of the workbench, newest first; others in the same store are left out.

    Args:
        store: The store; one that does not exist has no runs.
        suite: Only this suite's.
        run_id: Only runs whose id begins so.
        key: Only runs with this run key.
    """
    if not store.exists:
        return []
    read = _from_sqlite if store.sqlite_file else _from_server
    return sorted(read(store, suite, run_id, key), key=lambda run: -run.started)


def _result(
    run_id: str,
    status: str,
    started: int,
    uri: str,
    metrics: dict[str, float],
    params: dict[str, str],
    tags: dict[str, str],
) -> RunResult:
    own = {key.removeprefix("recipe."): value for key, value in params.items() if key.startswith("recipe.")}
    return RunResult(
        run_id=run_id,
        suite=tags.get(schema.SUITE, ""),
        model=params.get("model", ""),
        dataset=params.get("dataset", ""),
        field=params.get("field", ""),
        task=params.get("task", ""),
        recipe=params.get("recipe", ""),
        shots=params.get("shots", ""),
        seed=int(params.get("seed", "0")),
        status=_STATUS.get(status, status.lower()),
        metrics=metrics,
        params=own,
        tags=tags,
        started=started or 0,
        artifact_uri=uri,
    )


def _from_sqlite(store: Store, suite: str | None, run_id: str | None, key: str | None) -> Iterable[RunResult]:
    file = store.sqlite_file
    assert file is not None
    where, values = "r.lifecycle_stage = 'active'", [schema.RUN_KEY]
    if suite is not None:
        where += " AND e.name = ?"
        values.append(suite)
    if run_id is not None:
        where += " AND r.run_uuid LIKE ?"
        values.append(run_id.replace("%", "") + "%")
    if key is not None:
        where += " AND t.value = ?"
        values.append(key)
    query = (
        "SELECT r.run_uuid, r.status, r.start_time, r.artifact_uri FROM runs r "  # noqa: S608 - only constants
        "JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active' "
        f"JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ? WHERE {where}"
    )
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            runs = connection.execute(query, values).fetchall()
            wanted = {row[0] for row in runs}
            tables = {}
            for table, column in (("latest_metrics", "value"), ("params", "value"), ("tags", "value")):
                tables[table] = _pivot(connection, table, column, wanted)
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return  # Another process is making the store just now.
        raise WorkbenchError(f"{file}: cannot be read as an MLflow store ({error}).") from error
    for uuid, status, started, uri in runs:
        metrics = {key: float(value) for key, value in tables["latest_metrics"][uuid].items()}
        yield _result(uuid, status, started, uri, metrics, tables["params"][uuid], tables["tags"][uuid])


def _pivot(connection: sqlite3.Connection, table: str, column: str, wanted: set[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    if len(wanted) <= 500:
        marks = ",".join("?" * len(wanted))
        rows = connection.execute(
            f"SELECT run_uuid, key, {column} FROM {table} WHERE run_uuid IN ({marks})",  # noqa: S608 - only constants
            sorted(wanted),
        )
    else:
        rows = connection.execute(f"SELECT run_uuid, key, {column} FROM {table}")  # noqa: S608 - only constants
    for uuid, key, value in rows:
        if uuid in wanted:
            found[uuid][key] = value
    return found


def _from_server(store: Store, suite: str | None, run_id: str | None, key: str | None) -> Iterable[RunResult]:
    from mlflow.entities import ViewType
    from mlflow.exceptions import MlflowException

    client = store.client
    try:
        names = f"name = {json.dumps(suite)}".replace('"', "'") if suite else None
        experiments = [e.experiment_id for e in client.search_experiments(ViewType.ACTIVE_ONLY, filter_string=names)]
        token: str | None = None
        while experiments:
            page = client.search_runs(
                experiments,
                filter_string=f"tags.`{schema.RUN_KEY}` LIKE '{key or '%'}'",
                max_results=200,
                page_token=token,
            )
            for run in page:
                if run_id is None or run.info.run_id.startswith(run_id):
                    yield _result(
                        run.info.run_id, run.info.status, run.info.start_time, run.info.artifact_uri,
                        dict(run.data.metrics), dict(run.data.params), dict(run.data.tags),
                    )  # fmt: skip
            token = page.token
            if not token:
                return
    except MlflowException as error:
        raise WorkbenchError(
            f"{store.uri}: the MLflow server does not answer as expected ({error.message})."
        ) from error


def one_run(store: Store, run_id: str) -> RunResult:
    """The run with an id, or an unambiguous beginning of one; raises `WorkbenchError` otherwise."""
    found: Sequence[RunResult] = read_runs(store, run_id=run_id)
    if len(found) == 1:
        return found[0]
    if not found:
        raise WorkbenchError(f"No run {run_id!r} in {store.uri}; `workbench results` lists them.")
    raise WorkbenchError(f"{len(found)} runs begin with {run_id!r}; give more of the id.")


def artifact_path(store: Store, run: RunResult, name: str) -> Path:
    """A local path of a run's artifact, downloaded where the store is remote.

    Raises:
        WorkbenchError: The run has no such artifact.
    """
    from urllib.parse import unquote, urlparse

    if run.artifact_uri.startswith("file:"):
        path = Path(unquote(urlparse(run.artifact_uri).path)) / name
        if not path.exists():
            raise WorkbenchError(f"run {run.run_id}: its artifact {name!r} is missing (looked at {path}).")
        return path
    from mlflow.exceptions import MlflowException

    try:
        return Path(store.client.download_artifacts(run.run_id, name))
    except (MlflowException, OSError) as error:
        raise WorkbenchError(f"run {run.run_id}: its artifact {name!r} cannot be fetched ({error}).") from error
