"""Apply a finished run to unlabelled images."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.datasets.images import IMAGE_SUFFIXES, is_image_file
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.images import ImageSet
from workbench.inputs import is_folder
from workbench.runs.finished import FinishedRun
from workbench.tasks import Answer
from workbench.texts import shown


@dataclass(frozen=True)
class Prediction:
    """What a run says about one image.

    Attributes:
        file: Path relative to the folder.
        answer: What the task answers, column to value: `classes` and `probabilities`, or `caption`, ...
        error: Why the image could not be read, or None.
    """

    file: str
    answer: Answer = field(default_factory=dict)
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """One level of columns."""
        return {"file": self.file, **self.answer, "error": self.error}


def predict_folder(
    run: FinishedRun, folder: Path, *, top: int = 5, progress: Callable[[int, int], None] | None = None
) -> list[Prediction]:
    """Predict every image below a folder.

    Args:
        run: A finished run whose recipe saved its predictor, of a task that says something of an image by itself.
        folder: Searched recursively.
        top: Classes named for each image.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: There is no image in the folder.
        WorkbenchError: The run's task does not answer for single images.
    """
    task = run.task
    if not task.answers:
        raise WorkbenchError(
            f"run {run.result.run_id} is for {run.result.task}, which says nothing of an image by itself, so it cannot "
            "be applied to a folder of images."
        )
    predictor = run.predictor()
    files = sorted(_image_files(folder))
    if not files:
        kinds = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(f"{folder}: no image files found (their names end in {kinds}).")
    images = ImageFiles(folder, files, run.card.pixels)
    rows = np.arange(len(files))
    store = FeatureStore(run.settings.cache)
    found = extract(images, rows, run.encoder, store, workers=run.settings.workers, progress=progress)
    good = np.flatnonzero(found.readable)
    subset = ImageSet(len(good), lambda: found.features.take(good), lambda i: images.decode(int(good[i])))
    errors = iter(found.unreadable)
    with _predicting(run):
        answers = iter(task.answer(predictor, subset, run.config, top) if len(good) else ())
    return [
        Prediction(file, next(answers)) if readable else Prediction(file, error=next(errors)[1])
        for file, readable in zip(files, found.readable, strict=True)
    ]


@contextmanager
def _predicting(run: FinishedRun) -> Iterator[None]:
    try:
        yield
    except WorkbenchError as error:
        raise DataError(f"run {run.result.run_id}: {error}") from error
    except OSError:
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
        name = path.relative_to(folder).as_posix()
        if is_image_file(folder, name) and path.is_file():
            yield name
