"""Items of grounding, read from the columns that a card names.

Grounding takes `columns.boxes`, a list of boxes of four numbers or of objects with a `box`, and `columns.instruction`:
a text with `columns.answer` beside it (an index, or a list of those that will do), or a list of objects
`{text, answer, kind}`, where `fits` may stand for several answers.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.arrays import AnyArray
from workbench.datasets.dataset import Dataset
from workbench.datasets.detection_table import COLUMN
from workbench.errors import DataError
from workbench.tasks.choices.cells import cell, unfit
from workbench.tasks.grounding.card import grounding_card

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom exclusive."""


@dataclass(frozen=True)
class GroundingItem:
    """An instruction and the boxes that it may mean.

    Attributes:
        row: The image's row.
        boxes: Candidates.
        text: The instruction.
        answers: Indices of the right boxes.
        kind: Kind of instruction, or empty.
    """

    row: int
    boxes: tuple[Box, ...]
    text: str
    answers: tuple[int, ...]
    kind: str = ""


def grounding_items(dataset: Dataset, rows: Sequence[int] | AnyArray) -> list[GroundingItem]:
    """The items of some rows, in their order. An instruction for which every box is right is left out.

    Raises:
        DataError: A row lacks what its column must hold; names it.
    """
    row_parts = zip(rows, dataset.ids(rows), dataset.extra(rows), strict=True)
    return [item for row, name, extra in row_parts for item in _instructions(dataset, int(row), name, extra)]


def undetected(dataset: Dataset, rows: Sequence[int] | AnyArray) -> tuple[int, int]:
    """Of some rows the number of instructions none of whose right boxes was detected, and of all instructions."""
    row_parts = zip(rows, dataset.ids(rows), dataset.extra(rows), strict=True)
    items = [item for row, name, extra in row_parts for item in _annotated(dataset, int(row), name, extra)]
    detections = {int(row): _detected(extra) for row, extra in zip(rows, dataset.extra(rows), strict=True)}
    overlap = grounding_card(dataset).box_settings.overlap
    return sum(not right_detections(item, detections[item.row], overlap) for item in items), len(items)


def undetected_note(missed: int, of: int, split: str) -> str:
    """A sentence about instructions whose box was not detected."""
    return (
        f"{missed} of {of} {split} instructions mean a box that no detection overlaps, and are left out; counted as "
        f"mistakes, accuracy is at most {1 - missed / of:.3f}."
    )


def right_detections(item: GroundingItem, detections: Sequence[Box], overlap: float) -> tuple[int, ...]:
    """Indices of the detections that overlap a right box enough."""
    right = [item.boxes[i] for i in item.answers]
    return tuple(
        i for i, box in enumerate(detections) if any(intersection_over_union(box, each) >= overlap for each in right)
    )


def intersection_over_union(first: Box, second: Box) -> float:
    """The area that two boxes share, over the area that they take together, 0..1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0, width) * max(0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (areas - shared)


def _detected(extra: Mapping[str, Any]) -> tuple[Box, ...]:
    return tuple((box[0], box[1], box[2], box[3]) for box in extra.get(COLUMN, ()))


def boxes_beyond(dataset: Dataset, row: int) -> tuple[int, list[str]]:
    """The number of boxes of an image, and those that reach past its edges, in words; none of an unreadable image.

    Raises:
        DataError: A box lies wholly outside, or is none; names the image, the column and the box.
    """
    (name,), (extra,) = dataset.ids([row]), dataset.extra([row])
    listed = [*_listed(dataset, name, extra), *((list(map(float, box)), box) for box in _detected(extra))]
    try:
        width, height = dataset.size(row)
    except DataError:
        return 0, []  # Extraction reports it.
    beyond = []
    for corners, (left, top, right, bottom) in listed:
        if left >= width or top >= height or right <= 0 or bottom <= 0:
            column, way = grounding_card(dataset).columns.boxes or "", _format(dataset)
            raise unfit(dataset, name, column, f"boxes ({way}) within the image of {width} x {height} pixels", corners)
        if left < 0 or top < 0 or right > width or bottom > height:
            beyond.append(f"{name}: {corners} in {width} x {height} pixels")
    return len(listed), beyond


def boxes_note(dataset: Dataset, boxes: int, beyond: int) -> str:
    """A sentence about boxes that reach past their image."""
    return (
        f"{beyond} of {boxes} boxes reach outside their image and are cut off at its edges; "
        f"is {_format(dataset)} right?"
    )


def _format(dataset: Dataset) -> str:
    return f"regions.format = {grounding_card(dataset).box_settings.format!r}"


def _instructions(dataset: Dataset, row: int, name: str, extra: Mapping[str, Any]) -> Iterator[GroundingItem]:
    """The items of a row, of the candidates that the card asks for."""
    settings = grounding_card(dataset).box_settings
    for item in _annotated(dataset, row, name, extra):
        boxes, answers = item.boxes, item.answers
        if settings.detections is not None:
            boxes = _detected(extra)
            answers = right_detections(item, boxes, settings.overlap)
        if 0 < len(answers) < len(boxes):
            yield replace(item, boxes=boxes, answers=answers)


def _annotated(dataset: Dataset, row: int, name: str, extra: Mapping[str, Any]) -> Iterator[GroundingItem]:
    columns = grounding_card(dataset).columns
    instruction = columns.instruction or ""
    boxes = tuple(box for _, box in _listed(dataset, name, extra))
    content = cell(dataset, name, extra, instruction)
    kind = str(extra.get(columns.kind, "")) if columns.kind else ""
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, Mapping):
            text, entry_kind, column = entry.get("text"), str(entry.get("kind", kind)), instruction
        else:
            text, entry_kind, column = entry, kind, columns.answer or "answer"
        if not isinstance(text, str) or not text.strip():
            raise unfit(dataset, name, instruction, "a sentence", text)
        if isinstance(entry, Mapping):
            answer, suffix = entry.get("answer"), f" for {text!r}"
            answer = entry.get("fits") if answer is None else answer
        else:
            answer, suffix = cell(dataset, name, extra, column, whole=True), ""
        answers = tuple(answer) if isinstance(answer, list) else (answer,)
        if not answers or not all(type(i) is int and 0 <= i < len(boxes) for i in answers):
            expected = f"an answer{suffix} among the {len(boxes)} boxes, counted from 0, or a list of such"
            raise unfit(dataset, name, column, expected, answer)
        yield GroundingItem(row, boxes, text, answers, entry_kind)


def _listed(dataset: Dataset, name: str, extra: Mapping[str, Any]) -> Iterator[tuple[list[float], Box]]:
    """Each box in the source's form, and as a `Box`."""
    card = grounding_card(dataset)
    column = card.columns.boxes or ""
    listed = cell(dataset, name, extra, column)
    if not isinstance(listed, list) or not listed:
        raise unfit(dataset, name, column, "a list of boxes", listed)
    for entry in listed:
        corners = entry.get("box") if isinstance(entry, Mapping) else entry
        if not isinstance(corners, list) or len(corners) != 4 or not all(map(_is_number, corners)):
            raise unfit(dataset, name, column, "boxes of four numbers", entry)
        left, top, a, b = (round(float(value)) for value in corners)
        right, bottom = (left + a, top + b) if card.box_settings.format == "xywh" else (a, b)
        if right <= left or bottom <= top:
            raise unfit(dataset, name, column, f"boxes with an area ({_format(dataset)})", corners)
        yield corners, (left, top, right, bottom)


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))
    except (TypeError, ValueError):
        return False
