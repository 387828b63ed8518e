"""Write one run: begun before the work, finished in one step after it; kept in the spool where the store fails."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.masking import masked
from workbench.tracking import schema
from workbench.tracking.delivery import deliver, in_words
from workbench.tracking.faults import faults, is_down, why
from workbench.tracking.processes import this_machine, this_process
from workbench.tracking.record import RunRecord, clean, finite
from workbench.tracking.results import RunResult
from workbench.tracking.store import Store


@dataclass(frozen=True)
class Written:
    """A run that has ended.

    Attributes:
        result: The run as it would be read.
        kept: The parts that the store did not take and the spool keeps, in words; empty if it took everything.
    """

    result: RunResult
    kept: str = ""


@dataclass(frozen=True)
class RunRecorder:
    """A run that is being written.

    Attributes:
        store: The store.
        record: Its record so far; its `run_id` is empty where the store was not there at its beginning.
        artifact_uri: The address of its artifacts.
    """

    store: Store
    record: RunRecord
    artifact_uri: str = ""

    @property
    def run_id(self) -> str:
        """MLflow's id; empty where the store does not have the run."""
        return self.record.run_id

    @classmethod
    def begin(
        cls, store: Store, suite: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]
    ) -> "RunRecorder":
        """Create the run, in state RUNNING, with its params and tags; where the store fails it is begun here alone.

        Raises:
            WorkbenchError: The store answers, and cannot take runs of this suite.
        """
        here = {schema.HOST: this_machine(), schema.PROCESS: this_process()}
        all_tags = clean({schema.SUITE: suite, **here, **tags, **({schema.JOB: store.job} if store.job else {})})
        record = RunRecord(suite, masked(name), clean(params), all_tags, started=int(time.time() * 1000))
        recorder = cls(store, record)
        if store.job or not store.link.is_usable():
            return recorder
        from mlflow.entities import Param

        try:
            run = store.client.create_run(
                store.experiment(suite), start_time=record.started, tags=all_tags, run_name=record.name
            )
            recorder = cls(store, replace(record, run_id=run.info.run_id), run.info.artifact_uri)
            store.client.log_batch(recorder.run_id, params=[Param(key, value) for key, value in record.params.items()])
        except faults() as error:
            store.link.note(error)
        return recorder

    def finish(
        self,
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        artifacts: Path,
        history: Mapping[str, list[float]] | None = None,
        inputs: Sequence[dict[str, str]] = (),
    ) -> "Written":
        """Log metrics, tags and artifacts, and only then mark the run as finished.

        Args:
            metrics: Values; those that are not finite are left out, since not every store takes them.
            tags: Further tags.
            artifacts: Folder whose files become the run's artifacts.
            history: Values per epoch.
            inputs: Its datasets, see `inputs.dataset_input`.

        Returns:
            The run as it would be read, and what the store did not take.

        Raises:
            SpoolError: Neither the store nor the spool took it.
        """
        known = replace(
            self.record,
            tags={**self.record.tags, **clean(tags)},
            metrics=finite(metrics),
            history=dict(history or {}),
            inputs=[{key: masked(value) for key, value in each.items()} for each in inputs],
            ended=int(time.time() * 1000),
        )
        return self._deliver(known, artifacts)

    def fail(self, error: str, tags: Mapping[str, str] | None = None, artifacts: Path | None = None) -> "Written":
        """Mark the run as failed with its reason, and log its remaining values.

        Args:
            error: The reason.
            tags: Further tags.
            artifacts: Folder whose files become the run's artifacts, such as its traceback; None if there are none.

        Returns:
            The run as it would be read, and what the store did not take.

        Raises:
            SpoolError: Neither the store nor the spool took it.
        """
        known = {**self.record.tags, **clean({schema.ERROR: error, **(tags or {})})}
        ended = int(time.time() * 1000)
        return self._deliver(replace(self.record, tags=known, ended=ended, status="FAILED"), artifacts)

    def abandon(self, reason: str) -> None:
        """Mark the run as killed, unless it has ended already; where the store is gone, a later process does that."""
        if not self.run_id or not self.store.link.is_usable():
            return
        try:
            if self.store.client.get_run(self.run_id).info.status == "RUNNING":
                self.store.client.set_tag(self.run_id, schema.ERROR, clean({"": reason})[""])
                self.store.client.set_terminated(self.run_id, "KILLED")
        except faults() as error:
            self.store.link.note(error)

    def _deliver(self, record: RunRecord, artifacts: Path | None) -> "Written":
        store, problem = self.store, ""
        if self.run_id and store.link.is_usable():
            try:
                missing = deliver(store, self.run_id, self.artifact_uri, record, artifacts)
            except faults() as error:
                store.link.note(error)
                problem = "" if is_down(error) else why(error)
            else:
                if not missing:
                    return Written(record.as_result(self.run_id, self.artifact_uri))
                problem = in_words(missing)
                entry = store.spool.add(record, artifacts, store.server, problem)
                kept = f"the store did not take {problem}; all of the run is kept in {store.spool.folder}, too"
                return Written(entry.as_result(), kept)
        entry = store.spool.add(record, artifacts, store.server, problem)
        if store.job:
            return Written(entry.as_result())
        return Written(entry.as_result(), f"the store did not take it; it is kept in {store.spool.folder}")
