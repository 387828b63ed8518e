"""Apply a finished run to unlabelled images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import FloatArray
from workbench.datasets.images import IMAGE_SUFFIXES
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.inputs import is_folder
from workbench.metrics import sigmoid, softmax
from workbench.runs.finished import FinishedRun
from workbench.tasks import ImageSet
from workbench.texts import shown


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
    subset = ImageSet(len(good), lambda: found.features.take(good), lambda i: images.decode(int(good[i])))
    errors = iter(found.unreadable)
    if run.result.task == "captioning":
        said = iter(_captions(run, subset) if len(good) else ())
        return [
            Prediction(file, caption=next(said)) if readable else Prediction(file, error=next(errors)[1])
            for file, readable in zip(files, found.readable, strict=True)
        ]
    names, multi_label = run.config["class_names"], run.config["multi_label"]
    scores = _scores(run, subset, len(names)) if len(good) else np.empty((0, 0), np.float32)
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


def _scores(run: FinishedRun, images: ImageSet, width: int) -> FloatArray:
    """What the predictor makes of images; of a damaged one that may be anything, or nothing."""
    predictor = run.predictor()
    with _predicting(run):
        scores = np.asarray(predictor.scores(images), dtype=np.float32)
    if scores.shape != (len(images), width) or np.isnan(scores).any():
        raise DataError(
            f"run {run.result.run_id}: its predictor gives {scores.shape} scores, or some that are no numbers, where "
            f"({len(images)}, {width}) are due; it is damaged. Run it again with --fresh."
        )
    return scores


def _captions(run: FinishedRun, images: ImageSet) -> Sequence[str]:
    captioner = run.captioner()
    with _predicting(run):
        return list(captioner.captions(images))


@contextmanager
def _predicting(run: FinishedRun) -> Iterator[None]:
    try:
        yield
    except (WorkbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:
        reason = shown(f"{type(error).__name__}: {error}", 300)
        raise DataError(
            f"run {run.result.run_id}: recipe {run.result.recipe!r} failed to predict ({reason}); its saved predictor "
            "may be damaged, or of another version. Run it again with --fresh."
        ) from error


def _image_files(folder: Path) -> Iterator[str]:
    if not is_folder(folder):
        raise DataError(f"{shown(str(folder), 200)}: is not a folder.")
    for path in folder.rglob("*"):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            yield path.relative_to(folder).as_posix()
