"""Read runs from an MLflow server, page by page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.tracking import schema
from workbench.tracking.faults import answering
from workbench.tracking.results import RunResult

if TYPE_CHECKING:
    from workbench.tracking.store import Store

_PAGE = 200


def read_server(store: "Store", suite: str | None, run_id: str | None, key: str | None) -> Iterator[list[RunResult]]:
    """Pages of `workbench.tracking.read_pages`, the newest run first."""
    from mlflow.entities import ViewType

    client = store.client
    with answering(store.name):
        if suite is None:
            active = list(client.search_experiments(ViewType.ACTIVE_ONLY))
        else:  # Not by a filter, which a quote in the name would break.
            active = [e for e in [client.get_experiment_by_name(suite)] if e and e.lifecycle_stage == "active"]
        experiments = [experiment.experiment_id for experiment in active]
        token: str | None = None
        while experiments:
            page = client.search_runs(
                experiments,
                filter_string=f"tags.`{schema.RUN_KEY}` LIKE '{key or '%'}'",
                max_results=_PAGE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            yield [
                RunResult.from_store(
                    run.info.run_id, run.info.status, run.info.start_time, run.info.artifact_uri,
                    dict(run.data.metrics), dict(run.data.params), dict(run.data.tags),
                )
                for run in page
                if run_id is None or run.info.run_id.startswith(run_id)
            ]  # fmt: skip
            token = page.token
            if not token:
                return
