"""Finished runs written into a local store in bulk: the tables and folders are MLflow's own, at hundreds a second."""

import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from workbench.settings import Settings
from workbench.tasks import ClassPredictions
from workbench.tracking import open_store, schema
from workbench.tracking.history import EPOCH

_BEGUN = 1_700_000_000_000
_TABLES = {
    "runs": (
        "run_uuid", "name", "source_type", "user_id", "status", "start_time", "end_time", "lifecycle_stage",
        "artifact_uri", "experiment_id",
    ),
    "metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"),
    "latest_metrics": ("run_uuid", "key", "value", "timestamp", "step", "is_nan"),
    "params": ("run_uuid", "key", "value"),
    "tags": ("run_uuid", "key", "value"),
}  # fmt: skip


@dataclass(frozen=True)
class MadeUpRun:
    """What one run holds.

    Attributes:
        params: As `RunRecorder.begin` takes them.
        tags: Its own tags; those of the suite and of the run key are added.
        metrics: Values.
        history: Values per epoch.
        predictions: Its predictions, if it has any.
    """

    params: Mapping[str, object]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    history: Mapping[str, list[float]] = field(default_factory=dict)
    predictions: ClassPredictions | None = None


def write_runs(settings: Settings, suite: str, runs: Iterable[MadeUpRun]) -> None:
    """Add finished runs to the store of `settings`, a second apart.

    Args:
        settings: Its `runs` folder gets the store.
        suite: Name of their suite.
        runs: They may be made one by one: none is kept but for its rows.
    """
    store = open_store(settings)
    assert store.sqlite_file is not None
    experiment, rows = store.experiment(suite), {table: [] for table in _TABLES}
    place = Path(store.client.get_experiment(experiment).artifact_location.removeprefix("file://"))
    with closing(sqlite3.connect(store.sqlite_file)) as connection, connection:
        (first,) = connection.execute("SELECT COUNT(*) FROM runs").fetchone()
        for number, run in enumerate(runs, first):
            run_id, begun = uuid.uuid4().hex, _BEGUN + 1000 * number
            artifacts = place / run_id / "artifacts"
            if run.predictions is not None:
                artifacts.mkdir(parents=True)
                run.predictions.write(artifacts / schema.PREDICTIONS)
            rows["runs"].append(
                (run_id, f"run {number}", "LOCAL", "u", "FINISHED", begun, begun + 900, "active", artifacts.as_uri(),
                 experiment)
            )  # fmt: skip
            tags = {schema.SUITE: suite, schema.RUN_KEY: run_id * 2, **run.tags}
            rows["params"] += [(run_id, key, str(value)) for key, value in run.params.items()]
            rows["tags"] += [(run_id, key, value) for key, value in tags.items()]
            for key, value in run.metrics.items():
                rows["metrics"].append((run_id, key, value, begun, 0, 0))
                rows["latest_metrics"].append((run_id, key, value, begun, 0, 0))
            for key, values in run.history.items():
                steps = [(run_id, f"{EPOCH}{key}", value, begun, step, 0) for step, value in enumerate(values, 1)]
                rows["metrics"] += steps
                rows["latest_metrics"].append(steps[-1])
        for table, columns in _TABLES.items():
            marks = ",".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({','.join(columns)}) VALUES ({marks})", rows[table])
