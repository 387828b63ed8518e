"""MLflow: where runs are written and read. Importing this package does not import mlflow."""

from workbench.tracking.abandoned import close_abandoned, close_abandoned_before
from workbench.tracking.datasets import datasets_apart, is_on
from workbench.tracking.faults import SpoolError, StoreError
from workbench.tracking.labels import labels_apart
from workbench.tracking.notes import notes_on_dataset
from workbench.tracking.reading import read_pages, read_runs
from workbench.tracking.results import RunResult
from workbench.tracking.states import left_out, newest_state
from workbench.tracking.store import Store, open_store
from workbench.tracking.sync import Sync, sync, sync_before
from workbench.tracking.writing import RunRecorder

__all__ = [
    "RunRecorder",
    "RunResult",
    "SpoolError",
    "Store",
    "StoreError",
    "Sync",
    "close_abandoned",
    "close_abandoned_before",
    "datasets_apart",
    "is_on",
    "labels_apart",
    "left_out",
    "newest_state",
    "notes_on_dataset",
    "open_store",
    "read_pages",
    "read_runs",
    "sync",
    "sync_before",
]
