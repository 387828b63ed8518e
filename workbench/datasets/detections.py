"""Boxes that a detector wrote: COCO's format of results, COCO's annotations, or a plain list.

- COCO's results: a list of `{"image_id", "bbox": [left, top, width, height], "score", "category_id"}`. Where `image_id`
  is a number that no list of `images` explains, it is that in the file's name, as detectors write it.
- COCO's annotations: `{"images": [{"id", "file_name"}], "annotations": [...]}`.
- A plain mapping, `{"a.jpg": [[left, top, right, bottom], ...]}`, or list, `[{"file": "a.jpg", "boxes": [...]}]`. A box
  may be an object with `box` (or `bbox`), and `score` and `label` beside it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.datasets.sources._coco_file import read_json
from workbench.errors import DataError
from workbench.texts import shown

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Detection:
    """A box of one image.

    Attributes:
        box: Left, top, right, bottom in pixels of the upright image; right and bottom exclusive.
        score: The detector's, or None.
        label: What it takes it for, or empty.
    """

    box: Box
    score: float | None = None
    label: str = ""


class Detections:
    """The boxes of images, by the images' names.

    Args:
        named: The boxes by the name, or number, that the file has for each image.
        place: The file, for messages.
    """

    def __init__(self, named: Mapping[str, Sequence[Detection]], place: str) -> None:
        self._named, self._place = named, place

    def __len__(self) -> int:
        return len(self._named)

    def of(self, file: str) -> tuple[Detection, ...]:
        """The boxes of an image; none where it has none.

        Args:
            file: Its path. What the detections are called may be the path, its last part, that without its suffix, or
                the number in it (`139` for `000000000139.jpg`).
        """
        path = PurePosixPath(file)
        names = [file, path.name, path.stem, *([str(int(path.stem))] if path.stem.isdecimal() else [])]
        return next((tuple(self._named[name]) for name in names if name in self._named), ())

    def check(self, files: Sequence[str]) -> None:
        """Refuse a file that has boxes for none of some images; raises `DataError`."""
        if files and not any(self.of(file) for file in files):
            first = shown(next(iter(self._named), "nothing"), 80)
            raise DataError(
                f"{self._place}: has boxes for none of the {len(files)} images; it speaks of {first!r}, and the images "
                f"are called like {shown(files[0], 80)!r}."
            )


def read_detections(path: Path, *, least_score: float = 0.0) -> Detections:
    """Read boxes from a file in one of the forms of this module.

    Args:
        path: JSON.
        least_score: Detections with a lower score are left out; those without one stay.

    Raises:
        DataError: It cannot be read, or is of another form; names the entry.
    """
    content = read_json(path)
    named: dict[str, list[Detection]] = {}
    for name, detection in _entries(content, str(path)):
        boxes = named.setdefault(name, [])
        if detection is not None and (detection.score is None or detection.score >= least_score):
            boxes.append(detection)
    if not named:
        raise DataError(f"{path}: has no box of any image.")
    return Detections(named, str(path))


def detection_of(entry: Any, what: str) -> Detection:
    """A box: four numbers, or an object with `box` (corners) or COCO's `bbox` (with width and height).

    Args:
        entry: The box.
        what: Names it in messages.

    Raises:
        DataError: It is none, or has no area.
    """
    corners, score, label = entry, None, ""
    is_coco = False
    if isinstance(entry, Mapping):
        is_coco = "box" not in entry and "bbox" in entry
        corners, score = entry.get("box", entry.get("bbox")), entry.get("score")
        label = str(entry.get("label", entry.get("category_name", entry.get("category_id", ""))))
    corners = corners.tolist() if hasattr(corners, "tolist") else corners
    if not _is_four_numbers(corners):
        raise DataError(
            f"{what}: expected a box of four numbers, or an object with one as 'box', got {shown(repr(entry), 80)}."
        )
    left, top, a, b = (float(value) for value in corners)
    right, bottom = (left + a, top + b) if is_coco else (a, b)
    box = (round(left), round(top), round(right), round(bottom))
    if box[2] <= box[0] or box[3] <= box[1]:
        order = "left, top, width, height" if is_coco else "left, top, right, bottom"
        raise DataError(f"{what}: the box {list(corners)} ({order}) has no area.")
    if score is not None and not _is_number(score):
        raise DataError(f"{what}: score {shown(repr(score), 80)} is no number.")
    return Detection(box, None if score is None else float(score), label)


def _entries(content: Any, place: str) -> Iterator[tuple[str, Detection | None]]:
    """Names of images with their boxes; None for an image that is named and has none."""
    if isinstance(content, Mapping) and isinstance(content.get("annotations"), list):
        yield from _of_coco(content["annotations"], _names(content.get("images"), place), place)
    elif isinstance(content, Mapping):
        for name, boxes in content.items():
            yield from _of_image(name, boxes, f"{place}: {name}")
    elif isinstance(content, list) and all(isinstance(entry, Mapping) for entry in content):
        if content and "image_id" in content[0]:
            yield from _of_coco(content, {}, place)
            return
        for i, entry in enumerate(content):
            name = entry.get("file", entry.get("file_name"))
            if not isinstance(name, str):
                raise DataError(f"{place}: entry {i} has neither 'file' nor 'image_id'.")
            yield from _of_image(name, entry.get("boxes", [entry]), f"{place}: {name}")
    else:
        raise DataError(
            f"{place}: expected COCO's results, {{file: [boxes]}}, or a list of {{'file', 'boxes'}}; got a "
            f"{type(content).__name__}."
        )


def _of_image(name: str, boxes: Any, what: str) -> Iterator[tuple[str, Detection | None]]:
    if not isinstance(boxes, list):
        raise DataError(f"{what}: expected a list of boxes, got {shown(repr(boxes), 80)}.")
    yield name, None
    yield from ((name, detection_of(box, f"{what}, box {i}")) for i, box in enumerate(boxes))


def _of_coco(
    annotations: Sequence[Any], names: Mapping[str, str], place: str
) -> Iterator[tuple[str, Detection | None]]:  # fmt: skip
    yield from ((name, None) for name in names.values())
    for i, entry in enumerate(annotations):
        if not isinstance(entry, Mapping) or "image_id" not in entry or "bbox" not in entry:
            raise DataError(f"{place}: entry {i} lacks 'image_id' or 'bbox', which COCO's format has.")
        number = str(entry["image_id"])
        yield names.get(number, number), detection_of(entry, f"{place}: entry {i}")


def _names(images: Any, place: str) -> dict[str, str]:
    try:
        return {str(image["id"]): str(image["file_name"]) for image in images or ()}
    except (TypeError, KeyError) as error:
        raise DataError(f"{place}: each of 'images' must have 'id' and 'file_name'.") from error


def _is_four_numbers(value: Any) -> bool:
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    return is_list and len(value) == 4 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
