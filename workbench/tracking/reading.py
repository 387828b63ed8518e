"""Read runs and their artifacts, from a local store or a server."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.tracking import schema
from workbench.tracking._server import read_server
from workbench.tracking._sqlite import read_sqlite
from workbench.tracking.checksums import CHECKSUMS, check_artifact
from workbench.tracking.datasets import datasets_apart
from workbench.tracking.faults import why
from workbench.tracking.results import RunResult
from workbench.tracking.store import Store


def read_runs(
    store: Store, suite: str | None = None, *, run_id: str | None = None, key: str | None = None
) -> list[RunResult]:
    """Runs of the workbench, newest first; others in the same store are left out.

    Datasets of one name that lie in different places get different names (see `datasets_apart`).

    Args:
        store: The store; one that does not exist has no runs.
        suite: Only this suite's.
        run_id: Only runs whose id begins so.
        key: Only runs with this run key.
    """
    runs = (run for page in read_pages(store, suite, run_id=run_id, key=key) for run in page)
    return datasets_apart(sorted(runs, key=lambda run: run.recency, reverse=True))


def read_pages(
    store: Store, suite: str | None = None, *, run_id: str | None = None, key: str | None = None
) -> Iterator[list[RunResult]]:
    """The runs of `read_runs` as they arrive: a local store's in one page, a server's in pages, the newest first."""
    if store.exists and store.sqlite_file:
        yield list(read_sqlite(store.sqlite_file, suite, run_id, key))
    elif store.exists:
        yield from read_server(store, suite, run_id, key)


def one_run(store: Store, run_id: str) -> RunResult:
    """The run with an id, or an unambiguous beginning of one; raises `WorkbenchError` otherwise."""
    runs: Sequence[RunResult] = read_runs(store, run_id=run_id)
    if len(runs) == 1:
        return runs[0]
    if not runs:
        raise WorkbenchError(f"No run {run_id!r} in {store.name}; `workbench results` lists them.")
    raise WorkbenchError(f"{len(runs)} runs begin with {run_id!r}; give more of the id.")


def traceback_place(store: Store, run: RunResult) -> str:
    """The path or address of a failed run's traceback; empty if it has none."""
    name = run.tags.get(schema.TRACEBACK, "")
    if not name:
        return ""
    folder = store.artifact_folder(run.artifact_uri)
    return f"{run.artifact_uri}/{name}" if folder is None else str(folder / name)


def artifact_path(store: Store, run: RunResult, name: str) -> Path:
    """A local path of a run's artifact, downloaded where the store is remote.

    Raises:
        WorkbenchError: The run has no such artifact, or it differs from its checksum.
    """
    folder = store.artifact_folder(run.artifact_uri)
    if folder is not None:
        path = folder / name
        if not path.exists():
            raise WorkbenchError(f"run {run.run_id}: its artifact {name!r} is missing (looked at {path}).")
        check_artifact(path, name, folder / CHECKSUMS)
        return path
    from mlflow.exceptions import MlflowException

    try:
        path = Path(store.client.download_artifacts(run.run_id, name))
        listed = [item.path for item in store.client.list_artifacts(run.run_id)]
        if CHECKSUMS in listed:
            check_artifact(path, name, Path(store.client.download_artifacts(run.run_id, CHECKSUMS)))
        return path
    except (MlflowException, OSError) as error:
        waits = " The server did not take all of its files; `workbench sync` sends what is kept in the spool."
        raise WorkbenchError(
            f"run {run.run_id}: its artifact {name!r} cannot be fetched ({why(error)})."
            f"{waits if schema.ARTIFACTS_MISSING in run.tags else ''}"
        ) from error
