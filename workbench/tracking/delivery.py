"""Send a run to a store: values, artifacts, and only then the mark that it is finished."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.tracking import schema
from workbench.tracking._copying import copy_files
from workbench.tracking.faults import faults, status_of, why
from workbench.tracking.inputs import to_mlflow
from workbench.tracking.record import RunRecord

if TYPE_CHECKING:
    from workbench.tracking.store import Store

_METRICS = 800  # MLflow takes 1000 entries a call, tags included.


def deliver(
    store: "Store", run_id: str, artifact_uri: str, record: RunRecord, artifacts: Path | None
) -> dict[str, str]:
    """Bring a run that was created in a store to its end. To do it twice does no harm.

    Args:
        store: The store.
        run_id: The run, as the store calls it.
        artifact_uri: The address of its artifacts.
        record: All of it but the artifacts.
        artifacts: Folder of these; None if there are none.

    Returns:
        Artifacts that the store did not take though it answers, with the reason; the run is finished without them, and
        says so in its tag `workbench.artifacts_missing`.
    """
    send_values(store, run_id, record)
    missing = {} if artifacts is None else _send_artifacts(store, run_id, artifact_uri, artifacts)
    if missing:
        text = "\n".join(f"{name}: {reason}" for name, reason in missing.items())
        store.client.set_tag(run_id, schema.ARTIFACTS_MISSING, text)
    store.client.set_terminated(run_id, record.status, end_time=record.ended)
    return missing


def send_values(store: "Store", run_id: str, record: RunRecord) -> None:
    """Params, tags, metrics, history and datasets."""
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(key, value, record.ended, 0) for key, value in record.metrics.items()]
    for key, values in record.history.items():
        metrics += [Metric(f"epoch_{key}", v, record.ended, i) for i, v in enumerate(values, 1) if math.isfinite(v)]
    tags = [RunTag(key, value) for key, value in record.tags.items()]
    params = [Param(key, value) for key, value in record.params.items()]
    for start in range(0, max(len(metrics), 1), _METRICS):
        first = start == 0
        chunk = metrics[start : start + _METRICS]
        store.client.log_batch(run_id, metrics=chunk, tags=tags if first else [], params=params if first else [])
    if record.inputs:
        store.client.log_inputs(run_id, datasets=[to_mlflow(kept) for kept in record.inputs])


def _send_artifacts(store: "Store", run_id: str, artifact_uri: str, folder: Path) -> dict[str, str]:
    from workbench.tracking.store import local_path

    place = local_path(artifact_uri)
    if place is not None:
        copy_files(folder, place)  # What MLflow does with a local folder, without its three queries to the database.
        return {}
    missing: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if not store.link.takes_artifacts():
            missing[name.as_posix()] = store.link.artifacts
            continue
        try:
            store.client.log_artifact(run_id, str(path), None if name.parent == Path() else name.parent.as_posix())
        except faults() as error:
            store.link.check()  # If the server itself is gone, so says this.
            missing[name.as_posix()] = why(error)
            if not _is_about_this_file(error):
                store.link.note_artifacts(error)
    return missing


def _is_about_this_file(error: BaseException) -> bool:
    """Whether the next file may fare better; proxies hang up on what is too large, without a word."""
    return status_of(error) in {400, 413, None} and "time" not in why(error)


def in_words(missing: Mapping[str, str]) -> str:
    """The missing artifacts with the reasons."""
    reasons = dict.fromkeys(missing.values())
    return "; ".join(f"{', '.join(n for n, r in missing.items() if r == reason)} ({reason})" for reason in reasons)
