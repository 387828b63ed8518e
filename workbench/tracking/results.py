"""A run as it is read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as default
from typing import Any

from workbench.tracking import schema

_STATUS = {"FINISHED": "finished", "FAILED": "failed", "RUNNING": "running", "KILLED": "killed", "SCHEDULED": "running"}


@dataclass(frozen=True)
class RunResult:
    """One run, as `results --json` prints it.

    Attributes:
        metrics: Plain names to values; `_ci_low` and `_ci_high` beside each.
        params: The recipe's settings.
        tags: Versions, fingerprints, notes.
        status: `finished`, `failed`, `running` or `killed`.
        started: Milliseconds since the epoch.
        artifact_uri: The address of its artifacts.
        number: Counts a local store's runs as they were begun, whatever the clock said; 0 for those of a server.
    """

    run_id: str
    suite: str
    model: str
    dataset: str
    field: str
    task: str
    recipe: str
    shots: str
    seed: int
    status: str
    metrics: dict[str, float] = default(default_factory=dict)
    params: dict[str, str] = default(default_factory=dict)
    tags: dict[str, str] = default(default_factory=dict)
    started: int = 0
    artifact_uri: str = ""
    number: int = 0

    @property
    def label(self) -> str:
        """The recipe's name in tables."""
        return self.tags.get(schema.LABEL, self.recipe)

    @property
    def inference(self) -> str:
        """What the predictor knew of other test images: `inductive` (nothing), `transductive` or `online`."""
        return self.tags.get(schema.INFERENCE, "inductive")

    @property
    def trained_on(self) -> str:
        """The dataset that its training images come from, where it is tested on another; else empty."""
        return self.tags.get(schema.TRAINED_ON, "")

    @property
    def scores_by_text(self) -> bool:
        """Whether it was fitted on other classes than those of its test images, which it scores by their text."""
        return self.tags.get(schema.SCORES_BY_TEXT) == "true"

    @property
    def card_name(self) -> str:
        """The dataset's name on its card; `dataset` says more where several datasets have it."""
        return self.tags.get(schema.CARD_NAME, self.dataset)

    @property
    def dataset_notes(self) -> tuple[str, ...]:
        """Sentences about the dataset: what of it is not read, which splits were made."""
        return tuple(self.tags.get(schema.DATASET_NOTES, "").splitlines())

    @property
    def duplicate_notes(self) -> tuple[str, ...]:
        """Sentences about near duplicates across the dataset's splits, as far as they were known."""
        return tuple(self.tags.get(schema.DUPLICATE_NOTES, "").splitlines())

    @property
    def model_notes(self) -> tuple[str, ...]:
        """Sentences about what the model cannot do on the dataset."""
        return tuple(f"{self.model}: {note}" for note in self.tags.get(schema.MODEL_NOTES, "").splitlines())

    @property
    def recency(self) -> tuple[int, int]:
        """Greater for the run that was begun later."""
        return self.number, self.started

    @property
    def key(self) -> str:
        """The run key."""
        return self.tags.get(schema.RUN_KEY, "")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_store(
        cls,
        run_id: str,
        status: str,
        started: int | None,
        uri: str,
        metrics: Mapping[str, float],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        number: int = 0,
    ) -> "RunResult":
        """A run from MLflow's own entries."""
        return cls(
            run_id=run_id,
            suite=tags.get(schema.SUITE, ""),
            model=params.get("model", ""),
            dataset=params.get("dataset", ""),
            field=params.get("field", ""),
            task=params.get("task", ""),
            recipe=params.get("recipe", ""),
            shots=params.get("shots", ""),
            seed=int(params.get("seed", "0")),
            status=_STATUS.get(status, status.lower()),
            metrics=dict(metrics),
            params={key.removeprefix("recipe."): value for key, value in params.items() if key.startswith("recipe.")},
            tags=dict(tags),
            started=started or 0,
            artifact_uri=uri,
            number=number,
        )
