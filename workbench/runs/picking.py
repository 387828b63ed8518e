"""Which box, or which place, of an image a text means, by a finished run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.datasets.detections import Box, detection_of
from workbench.errors import DataError, WorkbenchError
from workbench.features.windows import Windows, peak
from workbench.formatting import counted
from workbench.metrics.functional import softmax
from workbench.runs.finished import FinishedRun
from workbench.runs.given_images import region_set
from workbench.tasks import Answer

Score = Callable[[Any, Sequence[str]], FloatArray]
"""Called with regions of one image and m texts; gives logits (m, regions)."""


def check_picks(run: FinishedRun) -> None:
    """Raise `WorkbenchError` if a run's task picks no boxes."""
    if not run.task.answers_boxes:
        raise WorkbenchError(
            f"run {run.result.run_id} is for {run.result.task}, which compares no texts with parts of an image; runs "
            "of grounding do, and those of other tasks whose recipe embeds images and texts."
        )


def texts_of_images(texts: str | Sequence[str], images: int) -> list[tuple[str, ...]]:
    """The texts about each image: one is about all; several are about the one image, or one about each.

    Raises:
        DataError: There is none, one is empty, or their number does not fit.
    """
    given = [texts] if isinstance(texts, str) else list(texts)
    if not given or not all(isinstance(text, str) and text.strip() for text in given):
        raise DataError("text: expected a sentence, or several; got none, or an empty one.")
    if images == 1 or len(given) == 1:
        return [tuple(given)] * images
    if len(given) != images:
        raise DataError(
            f"text: {len(given)} texts for {counted(images, 'image')}; give one for all, or one for each image."
        )
    return [(text,) for text in given]


def boxes_of_images(boxes: Any, arrays: Sequence[AnyArray]) -> list[tuple[Box, ...]]:
    """Boxes as they lie within their images.

    Args:
        boxes: Those of one image, or a list of such lists, one an image: an array (n, 4), or a list of four numbers
            each (left, top, right, bottom, in pixels of the upright image), of a detector's objects, or of its
            `Detection`s.
        arrays: The images.

    Raises:
        DataError: A box is none or lies outside of its image, or an image has none; says which.
    """
    listed = [boxes] if len(arrays) == 1 and not _is_nested(boxes) else list(boxes)
    if len(listed) != len(arrays):
        raise DataError(f"boxes: {counted(len(listed), 'list')} of boxes for {counted(len(arrays), 'image')}.")
    found = []
    for i, (own, array) in enumerate(zip(listed, arrays, strict=True)):
        what = "boxes" if len(arrays) == 1 else f"boxes of image {i}"
        if not len(own):
            raise DataError(f"{what}: there is none to choose from; leave boxes out to look everywhere.")
        found.append(tuple(_inside(box, array, f"{what}, number {k}") for k, box in enumerate(own)))
    return found


def _is_nested(boxes: Any) -> bool:
    first = boxes[0] if len(boxes) else None
    return isinstance(first, list | tuple | np.ndarray) and len(first) > 0 and not isinstance(first[0], Real)


def _inside(box: Any, array: AnyArray, what: str) -> Box:
    left, top, right, bottom = box.box if hasattr(box, "box") else detection_of(box, what).box
    height, width = array.shape[:2]
    clipped = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        raise DataError(
            f"{what}: {[left, top, right, bottom]} (left, top, right, bottom) lies outside of its image of {width} x "
            f"{height} pixels."
        )
    return clipped


def pick_boxes(
    run: FinishedRun, score: Score, arrays: Sequence[AnyArray], boxes: Any, texts: Sequence[Sequence[str]]
) -> list[Answer]:  # fmt: skip
    """The box that each text means; see `UsableRun.ground`.

    Args:
        run: The run.
        score: Its predictor.
        arrays: uint8 (h, w, 3) each.
        boxes: As for `boxes_of_images`.
        texts: About each image.
    """
    listed = boxes_of_images(boxes, arrays)
    regions = region_set(arrays, listed, run.task.surroundings(run.card), run.encoder)
    answers: list[Answer] = []
    start = 0
    for own, sentences in zip(listed, texts, strict=True):
        scores = score(regions.subset(np.arange(start, start + len(own))), sentences)
        answers += [_picked(text, own, of_text) for text, of_text in zip(sentences, scores, strict=True)]
        start += len(own)
    return answers


def _picked(text: str, boxes: Sequence[Box], scores: FloatArray) -> Answer:
    chances = softmax(scores[None])[0]
    best = int(np.argmax(scores))
    left, top, right, bottom = boxes[best]
    return {
        "text": text,
        "box": best,
        "place": boxes[best],
        "point": ((left + right) // 2, (top + bottom) // 2),
        "probability": round(float(chances[best]), 6),
        "probabilities": tuple(round(float(chance), 6) for chance in chances),
    }


def point_at(
    run: FinishedRun, score: Score, array: AnyArray, texts: Sequence[str], scales: Sequence[int]
) -> tuple[list[Answer], list[FloatArray]]:
    """The place that each text means, without boxes, and the maps that say so; see `UsableRun.ground`.

    Args:
        run: The run.
        score: Its predictor.
        array: uint8 (h, w, 3).
        texts: About it.
        scales: See `Windows.over`.
    """
    windows = Windows.over((array.shape[1], array.shape[0]), scales)
    around = replace(run.task.surroundings(run.card), margin=0.0)
    regions = region_set([array], [windows.boxes], around, run.encoder)
    answers: list[Answer] = []
    maps = []
    for text, scores in zip(texts, score(regions, texts), strict=True):
        maps.append(windows.heat_map(scores))
        answers.append({"text": text, "point": peak(maps[-1]), "place": windows.boxes[int(np.argmax(scores))]})
    return answers, maps
