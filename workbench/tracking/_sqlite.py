"""Read a local store's SQLite file directly and read-only: many times faster than MLflow's search."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.tracking import schema
from workbench.tracking._sqlite_file import reading
from workbench.tracking.results import RunResult

_FEW = 500


def read_sqlite(file: Path, suite: str | None, run_id: str | None, key: str | None) -> Iterator[RunResult]:
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
        "SELECT r.run_uuid, r.status, r.start_time, r.artifact_uri, r.rowid FROM runs r "  # noqa: S608 - only constants
        "JOIN experiments e ON e.experiment_id = r.experiment_id AND e.lifecycle_stage = 'active' "
        f"JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ? WHERE {where}"
    )
    with reading(file) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'latest_metrics'").fetchone():
            return  # Another process is making the store just now.
        runs = connection.execute(query, values).fetchall()
        run_ids = {row[0] for row in runs}
        metrics, params, tags = (_pivot(connection, table, run_ids) for table in ("latest_metrics", "params", "tags"))
    for uuid, status, started, uri, number in runs:
        yield RunResult.from_store(uuid, status, started, uri, metrics[uuid], params[uuid], tags[uuid], number)


def kept_runs(file: Path) -> set[str]:
    """Ids of all runs whose artifacts may be wanted: not deleted, or not by the workbench, or of a deleted experiment.

    Experiments that are deleted can be restored, and runs of other tools in the same store are not ours.
    """
    query = (
        "SELECT r.run_uuid FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id "
        "LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ? "
        "WHERE r.lifecycle_stage = 'active' OR e.lifecycle_stage <> 'active' OR t.value IS NULL"
    )
    with reading(file) as connection:
        return {uuid for (uuid,) in connection.execute(query, [schema.RUN_KEY])}


def any_running(file: Path) -> bool:
    """Whether any run is called running."""
    with reading(file) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
            return False
        query = "SELECT 1 FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active' LIMIT 1"
        return connection.execute(query).fetchone() is not None


def _pivot(connection: sqlite3.Connection, table: str, run_ids: set[str]) -> dict[str, dict[str, Any]]:
    """Values by run and key."""
    query, values = f"SELECT run_uuid, key, value FROM {table}", []  # noqa: S608 - only constants
    if len(run_ids) <= _FEW:
        query += f" WHERE run_uuid IN ({','.join('?' * len(run_ids))})"
        values = sorted(run_ids)
    values_of_run: dict[str, dict[str, Any]] = defaultdict(dict)
    for uuid, key, value in connection.execute(query, values):
        if uuid in run_ids:
            values_of_run[uuid][key] = value
    return values_of_run
