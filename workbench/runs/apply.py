"""Apply a finished run to unlabelled images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.datasets.detections import Detections
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore
from workbench.features.unlabelled import extract_folder, list_images
from workbench.images import ImageSet
from workbench.labelling import NONE_OF_THESE, LabelRules, label_rows
from workbench.recipes import Fitted
from workbench.runs.finished import FinishedRun
from workbench.runs.heat_pictures import write_heat_map
from workbench.runs.picking import check_picks
from workbench.tasks import Answer
from workbench.texts import shown

if TYPE_CHECKING:
    from workbench.runs.usable import UsableRun

_ALL = 2**31
_RANKED = ("classes", "probabilities")
_SINGULAR = {"classes": "class", "probabilities": "probability", "texts": "text", "cosines": "cosine"}
_PARTS = {"place": ("left", "top", "right", "bottom"), "point": ("x", "y")}


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
        """One level of columns, of answers that are ranked the first `top`."""
        answer = {key: value[:top] if key in _RANKED else value for key, value in self.answer.items()}
        return {"file": self.file, **answer, "error": self.error}


def predict_folder(
    run: FinishedRun,
    folder: Path,
    texts: Sequence[str] = (),
    *,
    top: int | None = 5,
    progress: Callable[[int, int], None] | None = None,
    notes: list[str] | None = None,
) -> list[Prediction]:
    """Predict every image below a folder; for runs of grounding see `ground_folder`.

    Args:
        run: A finished run whose recipe saved its predictor.
        folder: Searched recursively.
        texts: What images are compared with, of tasks that do.
        top: Classes or texts named for each image; None names all.
        progress: Called with (done, total) while features are computed.
        notes: Gains sentences about other files of the folder.

    Raises:
        DataError: There is no image in the folder.
        WorkbenchError: The run's task does not answer so.
    """
    sentences = check_answers(run, texts)
    predictor = run.predictor()
    store = FeatureStore.of(run.settings)
    pixels, workers = run.card.pixels, run.settings.workers
    found = extract_folder(folder, run.encoder, store, pixels, workers=workers, progress=progress)
    if notes is not None:
        notes += [*found.notes, *_about_inference(run, len(found.readable_files))]
    with predicting(run):
        answers = answers_of(run, predictor, found.readable, sentences, top) if found.readable_files else []
    answer_of = dict(zip(found.readable_files, answers, strict=True))
    reasons = dict(found.extraction.unreadable)
    return [Prediction(file, answer_of.get(file, {}), reasons.get(file)) for file in found.files]


def predict_anything(
    run: "UsableRun",
    folder: Path,
    texts: Sequence[str] = (),
    detections: Detections | None = None,
    *,
    heat_maps: Path | None = None,
    top: int | None = 5,
    progress: Callable[[int, int], None] | None = None,
    notes: list[str] | None = None,
) -> list[Prediction]:
    """`ground_folder` where there are boxes, or texts for a run that is of grounding alone; else `predict_folder`.

    Args:
        run: The run.
        folder: Searched recursively.
        texts: Sentences.
        detections: Boxes of the images.
        heat_maps: See `ground_folder`.
        top: See `predict_folder`.
        progress: Called with (done, total).
        notes: Gains sentences about other files of the folder.

    Raises:
        DataError: There is no image in the folder; there are boxes, and no text that chooses among them.
        WorkbenchError: The run's task does not answer so.
    """
    if detections is not None and not texts:
        raise DataError("boxes: are chosen by a sentence; give a text (--text), too.")
    if heat_maps is not None and (detections is not None or not texts):
        raise DataError("heat maps: are made of texts (--text), without boxes.")
    task = run.task
    if heat_maps is None and detections is None and (task.answers or task.answers_texts or not texts):
        return predict_folder(run, folder, texts, top=top, notes=notes, progress=progress)
    return ground_folder(run, folder, texts, detections, heat_maps=heat_maps, notes=notes, progress=progress)


def ground_folder(
    run: "UsableRun",
    folder: Path,
    texts: Sequence[str],
    detections: Detections | None = None,
    *,
    heat_maps: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    notes: list[str] | None = None,
) -> list[Prediction]:
    """Where the texts are in every image below a folder, one row an image and text.

    Args:
        run: The run.
        folder: Searched recursively.
        texts: Sentences.
        detections: Boxes of the images; None looks everywhere.
        heat_maps: A folder for the map of each image and text without boxes: `FILE/NUMBER.png` over the image, and
            `FILE/NUMBER.npy`, float32 (h, w).
        progress: Called with (done, total).
        notes: Gains sentences about other files of the folder.

    Raises:
        DataError: There is no image in the folder, or boxes for none of them.
        WorkbenchError: The run compares no texts with parts of an image.
    """
    check_picks(run)
    images = list_images(folder, run.card.pixels)
    if detections is not None:
        detections.check(images.names)
    if notes is not None:
        notes += images.notes
    rows: list[Prediction] = []
    for row, file in enumerate(images.names):
        boxes = None if detections is None else detections.of(file)
        try:
            if boxes == ():
                raise DataError("no box of this image is in the detections")
            picture = images.decode(row)
            if heat_maps is None:
                answers = run.ground(picture, boxes, list(texts))
            else:
                answers, maps = run.point(picture, list(texts))
                for number, heat in enumerate(maps, 1):
                    write_heat_map(heat_maps / file, str(number), np.asarray(picture), heat)
        except DataError as error:
            rows.append(Prediction(file, {}, str(error)))
        else:
            rows += [Prediction(file, answer) for answer in answers]
        if progress is not None:
            progress(row + 1, len(images.names))
    return rows


def label_predictions(
    predictions: Sequence[Prediction], rules: LabelRules, *, multi_label: bool = False
) -> list[dict[str, Any]]:
    """A row for each image, with one column a value.

    Args:
        predictions: From `predict_folder`, with all classes (`top` of their number) where each image has one.
        rules: How probabilities become answers; they count where each image has one class.
        multi_label: Whether an image may have several classes.

    Returns:
        As `label_rows` gives them for a classification with one label an image, and what else the run says of it;
        images of unknown classes, where the run tells them (`known`), are answered `none of these`. Else `file`, the
        answer's columns, numbered where it has several (`class_1`, `class_2`), and `error`.
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
    others = {prediction.file: _others(prediction.answer) for prediction in predictions}
    labelled = [{**row, **others[row["file"]]} for row in label_rows(files, chances, list(columns), rules, errors)]
    for image in labelled:
        if not image.get("known", True):
            image["answer"] = NONE_OF_THESE
    return labelled


def _others(answer: Answer) -> dict[str, Any]:
    """What an answer says besides classes and probabilities; sets in one cell."""
    others = {key: value for key, value in answer.items() if key not in _RANKED}
    return {key: " | ".join(value) if isinstance(value, tuple) else value for key, value in others.items()}


def _one_level(prediction: Prediction) -> dict[str, Any]:
    row: dict[str, Any] = {"file": prediction.file}
    for column, value in prediction.answer.items():
        if column in _PARTS:
            row |= zip(_PARTS[column], value, strict=True)
        elif isinstance(value, tuple | list):
            row |= {f"{_SINGULAR.get(column, column)}_{i}": item for i, item in enumerate(value, 1)}
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


def check_answers(run: FinishedRun, texts: Sequence[str]) -> tuple[str, ...]:
    """The texts that a run is to answer for, each once.

    Raises:
        WorkbenchError: The run's task does not answer for images with, or without, texts.
    """
    task, who = run.task, f"run {run.result.run_id} is for {run.result.task}"
    sentences = tuple(dict.fromkeys(texts))
    if not all(isinstance(text, str) and text.strip() for text in sentences):
        raise WorkbenchError("texts: one of them is empty, or no text.")
    if sentences and not task.answers_texts:
        instead = "; `ground` asks it about texts and boxes" if task.answers_boxes and not task.answers else ""
        raise WorkbenchError(f"{who}, which compares no whole images with texts{instead}; leave the texts out.")
    if not sentences and task.answers_texts and not task.answers:
        raise WorkbenchError(f"{who}, so give the texts that the images are to be compared with (--text, or `texts`).")
    if not sentences and not task.answers:
        instead = " without a text: ask it by `ground`, or --text" if task.answers_boxes else ""
        raise WorkbenchError(f"{who}, which says nothing of an image by itself{instead}, so it cannot be applied so.")
    return sentences


def answers_of(
    run: FinishedRun, predictor: Fitted, images: ImageSet, texts: Sequence[str], top: int | None
) -> list[Answer]:  # fmt: skip
    """The answers of a run's task; see `DatasetTask.answer` and `DatasetTask.answer_texts`."""
    most = top or _ALL
    if texts:
        return list(run.task.answer_texts(predictor, images, texts, run.card, most))
    return list(run.task.answer(predictor, images, run.config, most))


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
