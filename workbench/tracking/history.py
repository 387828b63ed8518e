"""What stands with a run besides its results: values by epoch, its files, and where MLflow shows it."""

from collections import defaultdict
from pathlib import Path

from workbench.tracking._sqlite_file import reading
from workbench.tracking.faults import answering
from workbench.tracking.results import RunResult
from workbench.tracking.store import Store

EPOCH = "epoch_"
"""Before the name of a value that was logged by epoch."""


def run_history(store: Store, run: RunResult) -> dict[str, list[tuple[int, float]]]:
    """(epoch, value) of each value that the run logged by epoch, by name.

    Raises:
        StoreError: The store cannot be read.
    """
    names = sorted(name for name in run.metrics if name.startswith(EPOCH))
    if not names:
        return {}
    history: dict[str, list[tuple[int, float]]] = defaultdict(list)
    if store.sqlite_file is not None:
        query = "SELECT key, step, value FROM metrics WHERE run_uuid = ? AND key LIKE ? AND NOT is_nan ORDER BY step"
        with reading(store.sqlite_file) as connection:
            for name, epoch, value in connection.execute(query, [run.run_id, f"{EPOCH}%"]):
                history[name.removeprefix(EPOCH)].append((int(epoch), float(value)))
        return dict(history)
    with answering(store.name):
        for name in names:
            points = store.client.get_metric_history(run.run_id, name)
            history[name.removeprefix(EPOCH)] = sorted((point.step, point.value) for point in points)
    return dict(history)


def artifact_names(store: Store, run: RunResult) -> list[str]:
    """Names of a run's files, those in folders with their folder; a server's folders end with `/` and are not entered.

    Raises:
        StoreError: The store cannot be read.
    """
    folder = store.artifact_folder(run.artifact_uri)
    if folder is not None:
        return sorted(_below(folder))
    with answering(store.name):
        listed = store.client.list_artifacts(run.run_id)
        return sorted(f"{item.path}/" if item.is_dir else item.path for item in listed)


def address_in_mlflow(store: Store, run: RunResult) -> str | None:
    """The run's page in a server's UI; None for a local store, which `mlflow ui` serves on request.

    Raises:
        StoreError: The store cannot be read.
    """
    if not store.server.startswith(("http://", "https://")):
        return None
    with answering(store.name):
        experiment = store.client.get_run(run.run_id).info.experiment_id
    return f"{store.server.rstrip('/')}/#/experiments/{experiment}/runs/{run.run_id}"


def _below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
