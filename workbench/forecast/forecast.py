"""A forecast of a suite: sums over its parts, for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workbench.forecast.schedule import Cell, Load, wall_seconds
from workbench.forecast.work import BatchWork, FeatureWork, ImageWork, Overhead
from workbench.runs.pieces import BLOCK

MARGIN = 0.3
"""How far off a forecast is to be at most, of the time; what it is tested for."""


@dataclass(frozen=True)
class Forecast:
    """What a suite will take from here on, where it is made as it was measured.

    Attributes:
        runs: Runs of the plan.
        made: Those that are finished already, and cost nothing.
        images: Features of images.
        texts: Features of texts.
        batches: Runs to be made; their `dataset` and `model` are arguments.
        overhead: What comes on top.
        device: `cpu` or `cuda:n`.
        device_name: In words.
        workers: Processes at a time.
        whole_cells: A process takes a dataset and model with all batches, as a task of a queue does.
        gpus: GPUs that are used.
        core_seconds: What the machine's cores cannot do faster.
        memory: Peak of one process, bytes.
        gpu_memory: Peak on the GPU, bytes.
        measured_seconds: What measuring took.
        limit_seconds: What it was allowed to take.
        notes: Sentences about what is not in the forecast.
    """

    runs: int
    made: int
    images: Sequence[ImageWork]
    texts: Sequence[FeatureWork]
    batches: Sequence[BatchWork]
    overhead: Overhead
    device: str
    device_name: str
    workers: int = 1
    whole_cells: bool = False
    gpus: int = 0
    core_seconds: float = 0.0
    memory: float = 0.0
    gpu_memory: float = 0.0
    measured_seconds: float = 0.0
    limit_seconds: float = 0.0
    notes: Sequence[str] = ()

    @property
    def feature_seconds(self) -> float:
        """Time of computing features, models' loading included."""
        return sum(each.seconds for each in self._features) + sum(self.overhead.load_seconds.values())

    @property
    def _features(self) -> list[FeatureWork]:
        return [*self.images, *self.texts]

    @property
    def fit_seconds(self) -> float:
        """Time of fitting, as far as it is known."""
        return sum(batch.fit_seconds or 0.0 for batch in self.batches)

    @property
    def result_seconds(self) -> float:
        """Time of predicting, evaluating, writing and recording, as far as it is known."""
        return sum(batch.seconds - (batch.fit_seconds or 0.0) for batch in self.batches) + self.to_make * (
            self.overhead.record_seconds or 0.0
        )

    @property
    def to_make(self) -> int:
        """Runs that are not finished."""
        return self.runs - self.made

    @property
    def work_seconds(self) -> float:
        """All work, one after the other."""
        if not self.to_make:
            return self.overhead.start_seconds
        fixed = self.overhead.start_seconds + self.overhead.store_seconds
        return fixed + self.feature_seconds + self.fit_seconds + self.result_seconds

    @property
    def seconds(self) -> float:
        """Time from the command to its end."""
        if self.workers <= 1 or not self.to_make:
            return self.work_seconds
        loads: dict[Cell, Load] = {}
        by_cell: dict[Cell, list[BatchWork]] = {}
        for batch in self.batches:
            by_cell.setdefault((batch.dataset, batch.model), []).append(batch)
        texts = {text.model: text.seconds for text in self.texts}
        for cell, batches in by_cell.items():
            images = [image for image in self.images if (image.dataset, image.model) == cell]
            features = sum(image.seconds for image in images) + texts.pop(cell[1], 0.0)
            start = self.overhead.load_seconds.get(cell[1], 0.0)
            start += self.overhead.start_seconds if self.whole_cells else 0.0
            record = self.overhead.record_seconds or 0.0
            seconds = [batch.seconds + batch.runs * record for batch in batches]
            blocks = max(1, -(-sum(image.missing for image in images) // BLOCK))
            loads[cell] = Load(features, seconds, start, blocks)
        fixed = self.overhead.start_seconds + self.overhead.store_seconds
        return fixed + wall_seconds(loads, self.workers, whole_cells=self.whole_cells, most=self.core_seconds)

    @property
    def gpu_hours(self) -> float:
        """Hours that GPUs are held for, each for itself."""
        if not self.gpus:
            return 0.0
        return (self.work_seconds if self.whole_cells else self.seconds * self.gpus) / 3600

    @property
    def feature_bytes(self) -> float:
        """What the feature store grows by."""
        return float(sum(each.missing * each.bytes_each for each in self._features))

    @property
    def record_bytes(self) -> float:
        """What the runs folder grows by."""
        if not self.to_make:
            return 0.0
        files = sum(batch.runs * (batch.record_bytes or 0.0) for batch in self.batches)
        return files + self.overhead.store_bytes + self.to_make * self.overhead.record_bytes

    @property
    def not_forecast(self) -> list[BatchWork]:
        """Batches of which something is not known, and which are counted with what is."""
        return [batch for batch in self.batches if not batch.is_known]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; seconds and bytes."""
        return {
            "runs": self.runs, "made": self.made, "seconds": self.seconds,
            "seconds_low": self.seconds * (1 - MARGIN), "seconds_high": self.seconds * (1 + MARGIN),
            "start_seconds": self.overhead.start_seconds + (self.overhead.store_seconds if self.to_make else 0.0),
            "feature_seconds": self.feature_seconds, "fit_seconds": self.fit_seconds,
            "result_seconds": self.result_seconds, "work_seconds": self.work_seconds,
            "memory_bytes": self.memory, "gpu_memory_bytes": self.gpu_memory,
            "feature_bytes": self.feature_bytes, "record_bytes": self.record_bytes,
            "gpu_hours": self.gpu_hours, "device": self.device, "device_name": self.device_name,
            "workers": self.workers, "images": [asdict(each) for each in self.images],
            "texts": [asdict(each) for each in self.texts], "batches": [asdict(each) for each in self.batches],
            "measured_seconds": self.measured_seconds, "measure_limit_seconds": self.limit_seconds,
            "not_forecast": [
                {"dataset": each.dataset, "model": each.model, "label": each.label, "reason": each.how}
                for each in self.not_forecast
            ],
            "notes": list(self.notes),
        }  # fmt: skip
