"""A run as it is sent to a store, or kept until it can be sent."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.masking import masked
from workbench.tracking import schema
from workbench.tracking.results import RunResult

_MAX_VALUE = 5000  # MLflow's bound on a tag's or param's length, with room


@dataclass(frozen=True)
class RunRecord:
    """Everything of a run but its artifacts. No value holds a password.

    Attributes:
        suite: The MLflow experiment.
        name: The run's.
        params: As MLflow shows them.
        tags: All of them, those of the run's beginning and those of its end.
        metrics: Finite values.
        history: Values per epoch; those that are not finite are left out when they are sent.
        started: Milliseconds since the epoch.
        ended: End of the run, in milliseconds.
        status: `FINISHED`, or `FAILED`.
        run_id: The store's id where the run was begun there; empty where it was not.
        inputs: Its datasets, see `inputs.dataset_input`.
    """

    suite: str
    name: str
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    started: int = 0
    ended: int = 0
    status: str = "FINISHED"
    run_id: str = ""
    inputs: list[dict[str, str]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The run key."""
        return self.tags.get(schema.RUN_KEY, "")

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RunRecord":
        """The record that `to_json` wrote; raises `TypeError` for any other mapping."""
        return cls(**values)

    def as_result(self, run_id: str, artifact_uri: str) -> RunResult:
        """The run as it is read."""
        return RunResult.from_store(
            run_id, self.status, self.started, artifact_uri, self.metrics, self.params, self.tags
        )


def clean(values: Mapping[str, Any]) -> dict[str, str]:
    """Params or tags as texts, masked, and no longer than MLflow takes."""
    return {key: masked(str(value))[:_MAX_VALUE] for key, value in values.items()}


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics without those that are not finite, since not every store takes them."""
    return {key: float(value) for key, value in metrics.items() if math.isfinite(value)}
