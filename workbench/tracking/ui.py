"""MLflow's own pages: where a run's is, and what its page says about the workbench."""

from workbench.tracking._sqlite_file import reading
from workbench.tracking.history import address_in_mlflow
from workbench.tracking.results import RunResult
from workbench.tracking.store import Store

_LOCAL = "http://127.0.0.1:5000"
"""Where `mlflow ui` answers unless it is told otherwise."""
NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's description, Markdown."""


def mlflow_page(store: Store, run: RunResult) -> str:
    """The address of a run's page; of a local store with the command that has to run for it.

    Raises:
        StoreError: The store does not answer.
    """
    served = address_in_mlflow(store, run)
    if served is not None:
        return served
    command = f"mlflow ui --backend-store-uri {store.name}"
    if store.sqlite_file is None:
        return f"run {run.run_id} on the pages of `{command}`"
    with reading(store.sqlite_file) as connection:  # Without MLflow, whose import takes seconds.
        query = "SELECT experiment_id FROM runs WHERE run_uuid = ?"
        (experiment,) = connection.execute(query, [run.run_id]).fetchone()
    return f"{_LOCAL}/#/experiments/{experiment}/runs/{run.run_id} (while `{command}` runs)"


def note_for(run_id: str) -> str:
    """What a run's page says about the workbench."""
    return (
        f"In the workbench: `workbench show run {run_id[:8]}`, `workbench compare {run_id[:8]} OTHER`, and "
        f"[its page](http://127.0.0.1:8501/run?run={run_id}) while `workbench dashboard` runs. "
        f"`workbench export {run_id[:8]} --format mlflow --register NAME` makes it a model in the registry."
    )
