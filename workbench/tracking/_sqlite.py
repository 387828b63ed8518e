"""Read a local store's SQLite file directly and read-only: many times faster than MLflow's search."""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.tracking import schema
from workbench.tracking.results import Fields, RunResult

_FEW = 500
_WITH_INTERVAL = ("", "_ci_low", "_ci_high")
_TAGS = (schema.RUN_KEY, schema.SUITE, schema.LABEL, schema.PRIMARY_METRIC)


def read_sqlite(
    file: Path, suite: str | None, run_id: str | None, key: str | None, fields: Fields
) -> Iterator[RunResult]:
    """See `workbench.tracking.read_runs`."""
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
    with _reading(file) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'latest_metrics'").fetchone():
            return  # Another process is making the store just now.
        runs = connection.execute(query, values).fetchall()
        wanted = {row[0] for row in runs}
        names = None if fields.metrics is None else {f"{n}{end}" for n in fields.metrics for end in _WITH_INTERVAL}
        metrics = _pivot(connection, "latest_metrics", wanted, names)
        params = _pivot(connection, "params", wanted, None if fields.settings else schema.IDENTITY_PARAMS)
        tags = _pivot(connection, "tags", wanted, None if fields.tags is None else {*fields.tags, *_TAGS})
    for uuid, status, started, uri in runs:
        yield RunResult.from_store(uuid, status, started, uri, metrics[uuid], params[uuid], tags[uuid])


def _pivot(
    connection: sqlite3.Connection, table: str, wanted: set[str], names: Collection[str] | None
) -> dict[str, dict[str, Any]]:
    """Values by run and key; both are restricted in the query where that is short."""
    conditions, values = [], []
    for column, allowed in (("key", names), ("run_uuid", wanted if len(wanted) <= _FEW else None)):
        if allowed is not None:
            conditions.append(f"{column} IN ({','.join('?' * len(allowed))})")
            values += sorted(allowed)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.execute(f"SELECT run_uuid, key, value FROM {table}{where}", values)  # noqa: S608 - only constants
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for uuid, key, value in rows:
        if uuid in wanted:
            found[uuid][key] = value
    return found


def sqlite_metric_names(file: Path) -> list[str]:
    """All metrics that some run has, sorted."""
    with _reading(file) as connection:
        return sorted(row[0] for row in connection.execute("SELECT DISTINCT key FROM latest_metrics"))


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise WorkbenchError(f"{file}: cannot be read as an MLflow store ({error}).") from error
