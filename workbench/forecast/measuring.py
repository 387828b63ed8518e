"""Measure what every run needs: features, texts, the store. Features that are computed for it are kept."""

import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.datasets.thumbnails import SIDE
from workbench.features import CachedModel, FeatureStore, extract
from workbench.features.rehearsal import Missing
from workbench.features.views import EVAL
from workbench.models import Encoder
from workbench.runs.limits import TimeLimitError, time_limit
from workbench.runs.planned import PlannedRun
from workbench.runs.recording import begin
from workbench.runs.suite import Suite
from workbench.tracking import Store

if TYPE_CHECKING:
    from workbench.features._protocols import ImageSource

KEY_BYTES = 33
"""Of a row besides its features: its key, and whether it is readable."""
_FEW = 2
_FIRST_CALLS = 3
_BATCHES = 2
_TEXTS = 64


class Draw:
    """Images that lack features, drawn at random; what is computed of them is stored.

    Args:
        missing: What is missing.
        encoder: The model.
        store: Takes the features.
        view: The view.
        workers: Threads that decode; 0 means one per usable core.
    """

    def __init__(self, missing: Missing, encoder: Encoder, store: FeatureStore, view: str, workers: int = 0) -> None:
        self._jobs = list(missing.jobs.values())
        self._order = np.random.default_rng(0).permutation(len(self._jobs)).tolist()
        self._encoder, self._store, self._view, self._workers = encoder, store, view, workers

    def __len__(self) -> int:
        return len(self._order)

    def compute(self, size: int) -> "Pass":
        """Compute the features of so many more."""
        sources: dict[int, tuple[ImageSource, list[int]]] = {}
        for number in [self._order.pop() for _ in range(min(size, len(self)))]:
            source, row = self._jobs[number]
            sources.setdefault(id(source), (source, []))[1].append(row)
        done, took = 0, 0.0
        for source, rows in sources.values():
            part = extract(
                source, rows, self._encoder, self._store,
                view=self._view, workers=self._workers, thumbnails=self._view == EVAL,
            )  # fmt: skip
            done, took = done + part.computed, took + part.seconds
        return Pass(done, took)


def load_seconds(encoder: Encoder, draw: Draw) -> float:
    """Time to load a model and to show it its first images, of which it is slow; then it is set up."""
    from PIL import Image

    began = time.perf_counter()
    encoder.preprocess(Image.new("RGB", (8, 8)))
    for _ in range(_FIRST_CALLS):
        draw.compute(_FEW)
    return time.perf_counter() - began


def image_seconds(draw: Draw, seconds: float, expected: float | None, batch: int) -> float | None:
    """Time for one image, with batches as large as in a run: in small ones an image takes twice as long.

    Args:
        draw: Images of a dataset.
        seconds: How long it may take.
        expected: Time for an image of another dataset with the same model; None where none was measured.
        batch: Images in a forward pass.

    Returns:
        Seconds; None where nothing could be read, or there was no time for a batch.
    """
    began = time.perf_counter()
    passes: list[Pass] = []

    def left() -> float:
        return seconds - (time.perf_counter() - began)

    if expected is None:
        try:
            with time_limit(0.7 * seconds):
                passes.append(draw.compute(batch))
        except TimeLimitError:
            passes.append(draw.compute(_FEW))
        expected = passes[0].each
    while len(passes) < _BATCHES and len(draw) and expected * min(batch, len(draw)) < left():
        passes.append(draw.compute(batch))
    images = sum(each.images for each in passes)
    return sum(each.seconds for each in passes) / images if images else None


@dataclass(frozen=True)
class Pass:
    """Some images and the seconds that they took."""

    images: int
    seconds: float

    @property
    def each(self) -> float:
        """Seconds of one."""
        return self.seconds / max(1, self.images)


def image_bytes(encoder: Encoder, view: str) -> int:
    """Bytes that an image's features take in the store."""
    thumbnail = SIDE * SIDE + KEY_BYTES if view == EVAL else 0
    return 4 * int(encoder.pooled_dim + encoder.embed_dim) + KEY_BYTES + thumbnail


def text_bytes(encoder: Encoder) -> int:
    """Bytes that a text's features take in the store."""
    return 4 * int(encoder.embed_dim) + KEY_BYTES


def text_seconds(texts: set[str], encoder: Encoder, store: FeatureStore) -> float:
    """Time for one text, over a draw of those that are missing; their features are stored."""
    order = sorted(texts)
    drawn = [order[i] for i in np.random.default_rng(0).permutation(len(order))[: _TEXTS + 1].tolist()]
    model = CachedModel(encoder, store)
    if len(drawn) > 1:  # The first call sets things up.
        model.encode_texts(drawn[:1])
        drawn = drawn[1:]
    began = time.perf_counter()
    model.encode_texts(drawn)
    return (time.perf_counter() - began) / len(drawn)


def store_costs(run: PlannedRun, suite: Suite, files: Path, metrics: Mapping[str, float]) -> dict[str, float]:
    """Make a store like the default one in a temporary folder, and record two runs there.

    Args:
        run: A run of the plan.
        suite: The suite.
        files: The artifacts of a run.
        metrics: As many as a run has.

    Returns:
        Seconds to make it, `store_seconds`, and for a run, `record_seconds`; bytes of both, `store_bytes` and
        `record_bytes`.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-forecast-") as folder:
        runs = Path(folder).resolve()
        store = Store(f"sqlite:///{runs / 'mlflow.db'}", runs / "artifacts", runs)
        began = time.perf_counter()
        store.experiment(suite.name)
        made = time.perf_counter() - began
        file = runs / "mlflow.db"
        sizes, times = [file.stat().st_size], []
        for number in range(2):
            copy = runs / f"files-{number}"
            shutil.copytree(files, copy)
            began = time.perf_counter()
            begin(run, suite, store).finish(metrics, {}, copy)
            times.append(time.perf_counter() - began)
            sizes.append(file.stat().st_size)
    return {
        "store_seconds": made, "record_seconds": times[-1],
        "store_bytes": sizes[0], "record_bytes": (sizes[-1] - sizes[0]) / 2,
    }  # fmt: skip
