"""Write one run: begun before the work, finished in one step after it."""

import math
import shutil
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.masking import masked
from workbench.tracking import schema
from workbench.tracking.processes import this_process
from workbench.tracking.store import Store, local_path

_MAX_VALUE = 5000  # MLflow's bound on a tag's or param's length, with room


@dataclass(frozen=True)
class RunRecorder:
    """A run that is being written.

    Attributes:
        store: Where.
        run_id: MLflow's id.
        artifact_uri: Where its artifacts go.
    """

    store: Store
    run_id: str
    artifact_uri: str

    @classmethod
    def begin(
        cls, store: Store, suite: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]
    ) -> "RunRecorder":
        """Create the run, in state RUNNING, with its params and tags."""
        from mlflow.entities import Param

        here = {schema.HOST: socket.gethostname(), schema.PROCESS: this_process()}
        all_tags = {schema.SUITE: suite, **here, **tags}
        run = store.client.create_run(
            store.experiment(suite),
            tags={key: masked(value)[:_MAX_VALUE] for key, value in all_tags.items()},
            run_name=name,
        )
        listed = [Param(key, masked(str(value))[:_MAX_VALUE]) for key, value in params.items()]
        store.client.log_batch(run.info.run_id, params=listed)
        return cls(store, run.info.run_id, run.info.artifact_uri)

    def finish(
        self,
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        artifacts: Path,
        history: Mapping[str, list[float]] | None = None,
    ) -> None:
        """Log artifacts, metrics and tags, and only then mark the run as finished.

        Args:
            metrics: Values; those that are not finite are left out, since not every store takes them.
            tags: Further tags.
            artifacts: Folder whose files become the run's artifacts.
            history: Values per epoch.
        """
        from mlflow.entities import Metric, RunTag

        self._log_artifacts(artifacts)
        now = int(time.time() * 1000)
        listed = [Metric(key, float(value), now, 0) for key, value in metrics.items() if math.isfinite(value)]
        for key, values in (history or {}).items():
            listed += [Metric(f"epoch_{key}", float(v), now, i) for i, v in enumerate(values, 1) if math.isfinite(v)]
        listed_tags = [RunTag(key, masked(value)[:_MAX_VALUE]) for key, value in tags.items()]
        for start in range(0, max(len(listed), 1), 1000):  # MLflow takes 1000 metrics a call.
            self.store.client.log_batch(
                self.run_id, metrics=listed[start : start + 1000], tags=listed_tags if start == 0 else []
            )
        self.store.client.set_terminated(self.run_id, "FINISHED")

    def _log_artifacts(self, folder: Path) -> None:
        place = local_path(self.artifact_uri)
        if place is None:
            self.store.client.log_artifacts(self.run_id, str(folder))
        else:
            # What MLflow does with a local folder, without its three queries to the database.
            shutil.copytree(folder, place, dirs_exist_ok=True)

    def abandon(self, reason: str) -> None:
        """Mark the run as killed, unless it has ended already."""
        if self.store.client.get_run(self.run_id).info.status == "RUNNING":
            self.fail(reason, "KILLED")

    def fail(self, error: str, status: str = "FAILED") -> None:
        """Mark the run as failed (or KILLED) with its reason."""
        self.store.client.set_tag(self.run_id, schema.ERROR, masked(error)[:_MAX_VALUE])
        self.store.client.set_terminated(self.run_id, status)
