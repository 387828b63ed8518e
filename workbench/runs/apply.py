"""Apply a finished run to unlabelled images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore
from workbench.features.unlabelled import extract_folder
from workbench.labelling import NONE_OF_THESE, LabelRules, label_rows
from workbench.runs.finished import FinishedRun
from workbench.tasks import Answer, DatasetTask
from workbench.texts import shown

_ALL = 2**31


@dataclass(frozen=True)
class Prediction:
    """A run's answer for one image.

    Attributes:
        file: Path relative to the folder.
        answer: The task's answer, column to value: `classes` and `probabilities`, or `caption`, ...
        error: The reason why the image could not be read, or None.
    """

    file: str
    answer: Answer = field(default_factory=dict)
    error: str | None = None

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """One level of columns, of answers with several values the first `top`."""
        answer = {key: value[:top] if isinstance(value, tuple) else value for key, value in self.answer.items()}
        return {"file": self.file, **answer, "error": self.error}


def predict_folder(
    run: FinishedRun,
    folder: Path,
    *,
    top: int | None = 5,
    progress: Callable[[int, int], None] | None = None,
    notes: list[str] | None = None,
) -> list[Prediction]:
    """Predict every image below a folder.

    Args:
        run: A finished run whose recipe saved its predictor, of a task that answers for single images.
        folder: Searched recursively.
        top: Classes named for each image; None names all.
        progress: Called with (done, total) while features are computed.
        notes: Gains sentences about other files of the folder.

    Raises:
        DataError: There is no image in the folder.
        WorkbenchError: The run's task does not answer for single images.
    """
    task = answering_task(run)
    predictor = run.predictor()
    store = FeatureStore.of(run.settings)
    pixels, workers = run.card.pixels, run.settings.workers
    found = extract_folder(folder, run.encoder, store, pixels, workers=workers, progress=progress)
    if notes is not None:
        notes += [*found.notes, *_about_inference(run, len(found.readable_files))]
    with predicting(run):
        answers = task.answer(predictor, found.readable, run.config, top or _ALL) if found.readable_files else []
    answer_of = dict(zip(found.readable_files, answers, strict=True))
    reasons = dict(found.extraction.unreadable)
    return [Prediction(file, answer_of.get(file, {}), reasons.get(file)) for file in found.files]


def label_predictions(
    predictions: Sequence[Prediction], rules: LabelRules, *, multi_label: bool = False
) -> list[dict[str, Any]]:
    """A row for each image, with one column a value.

    Args:
        predictions: From `predict_folder`, with all classes (`top` of their number) where each image has one.
        rules: How probabilities become answers; they count where each image has one class.
        multi_label: Whether an image may have several classes.

    Returns:
        As `label_rows` gives them for a classification with one label an image, with `known` where the run tells images
        of unknown classes, which are answered `none of these`; else `file`, the answer's columns,
        numbered where it has several (`class_1`, `class_2`), and `error`.
    """
    answers = [prediction.answer for prediction in predictions if prediction.error is None]
    names = {name for answer in answers for name in answer.get("classes", ())}
    if multi_label or not names or any(len(answer.get("classes", ())) != len(names) for answer in answers):
        return [_one_level(prediction) for prediction in predictions]
    columns = {name: i for i, name in enumerate(sorted(names))}
    chances = np.zeros((len(answers), len(columns)))
    for row, answer in zip(chances, answers, strict=True):
        row[[columns[name] for name in answer["classes"]]] = answer["probabilities"]
    files = [prediction.file for prediction in predictions if prediction.error is None]
    errors = {prediction.file: prediction.error for prediction in predictions if prediction.error is not None}
    labelled = label_rows(files, chances, list(columns), rules, errors)
    known = {own.file: own.answer["known"] for own in predictions if "known" in own.answer}
    for image in labelled:
        if image["file"] in known:
            image["known"] = known[image["file"]]
            image["answer"] = image["answer"] if image["known"] else NONE_OF_THESE
    return labelled


def _one_level(prediction: Prediction) -> dict[str, Any]:
    row: dict[str, Any] = {"file": prediction.file}
    singular = {"classes": "class", "probabilities": "probability"}
    for column, value in prediction.answer.items():
        if isinstance(value, tuple | list):
            row |= {f"{singular.get(column, column)}_{i}": item for i, item in enumerate(value, 1)}
        else:
            row[column] = value
    return row if prediction.error is None else {**row, "error": prediction.error}


def _about_inference(run: FinishedRun, count: int) -> list[str]:
    """What the answer for an image depends on besides the image, where it depends on others."""
    name = run.result.recipe
    if run.result.inference == "transductive":
        return [f"{name} is transductive: the answer for an image depends on all {count} images of the folder."]
    if run.result.inference == "online":
        return [f"{name} is online: the answer for an image depends on those before it, in the order of their names."]
    return []


def answering_task(run: FinishedRun) -> type[DatasetTask]:
    """The run's task; raises `WorkbenchError` if it does not answer for single images."""
    if not run.task.answers:
        raise WorkbenchError(
            f"run {run.result.run_id} is for {run.result.task}, which says nothing of an image by itself, so it cannot "
            "be applied to images."
        )
    return run.task


@contextmanager
def predicting(run: FinishedRun) -> Iterator[None]:
    """Raise one error for whatever a recipe raises when it predicts."""
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
