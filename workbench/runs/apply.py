"""Apply a finished run to unlabelled images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.datasets.images import IMAGE_SUFFIXES, decode_image
from workbench.errors import DataError
from workbench.features import FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.metrics import sigmoid, softmax
from workbench.runs.finished import FinishedRun
from workbench.tasks import ImageSet


@dataclass(frozen=True)
class Prediction:
    """What a run says about one image.

    Attributes:
        file: Path relative to the folder.
        classes: Likeliest classes first; where multi-label, those with a probability of at least 0.5.
        probabilities: Of those classes.
        error: Why the image could not be read, or None.
        caption: What a captioning run says of it, or None.
    """

    file: str
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    error: str | None = None
    caption: str | None = None


def predict_folder(
    run: FinishedRun, folder: Path, *, top: int = 5, progress: Callable[[int, int], None] | None = None
) -> list[Prediction]:
    """Predict every image below a folder.

    Args:
        run: A finished run of classification or captioning whose recipe saved its predictor.
        folder: Searched recursively.
        top: Classes named for each image.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: There is no image in the folder.
    """
    files = sorted(_image_files(folder))
    if not files:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(f"{folder}: no image files found (their names end in {kinds}).")
    images = ImageFiles(folder, files)
    rows = np.arange(len(files))
    store = FeatureStore(run.settings.cache)
    found = extract(images, rows, run.encoder, store, workers=run.settings.workers, progress=progress)
    good = np.flatnonzero(found.readable)
    subset = ImageSet(len(good), lambda: found.features.take(good), lambda i: decode_image(images.read(int(good[i]))))
    errors = iter(found.unreadable)
    if run.result.task == "captioning":
        said = iter(run.captioner().captions(subset) if len(good) else ())
        return [
            Prediction(file, caption=next(said)) if readable else Prediction(file, error=next(errors)[1])
            for file, readable in zip(files, found.readable, strict=True)
        ]
    scores = run.predictor().scores(subset) if len(good) else np.empty((0, 0), np.float32)
    names, multi_label = run.config["class_names"], run.config["multi_label"]
    probabilities = sigmoid(scores) if multi_label else softmax(scores)
    out: list[Prediction] = []
    position = 0
    for i, file in enumerate(files):
        if not found.readable[i]:
            out.append(Prediction(file, error=next(errors)[1]))
            continue
        own = probabilities[position]
        position += 1
        order = np.argsort(-own, kind="stable")[:top]
        if multi_label:
            order = np.array([c for c in order if own[c] >= 0.5], dtype=np.int64)
        out.append(Prediction(file, tuple(names[c] for c in order), tuple(round(float(own[c]), 6) for c in order)))
    return out


def _image_files(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder.")
    for path in folder.rglob("*"):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            yield path.relative_to(folder).as_posix()
