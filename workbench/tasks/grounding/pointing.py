"""Where an instruction points in a picture whose boxes nobody gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workbench.arrays import AnyArray, BoolArray, FloatArray
from workbench.features.regions import Box
from workbench.features.windows import Windows, peak
from workbench.images import ImageSet
from workbench.tasks.choices.candidates import Candidates
from workbench.tasks.grounding.items import GroundingItem

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Pointing:
    """The highest place of each item's heat map.

    Attributes:
        points: int64 (n, 2), x and y in pixels.
        right: bool (n,), whether it lies in a right box.
        shares: float (n,), the share of the picture that the right boxes take: the chance of a random place.
    """

    points: AnyArray
    right: BoolArray
    shares: AnyArray

    def to_columns(self) -> "dict[str, pa.Array]":
        """Columns of `predictions.parquet`."""
        import pyarrow as pa

        return {
            "point": pa.array(self.points.tolist(), pa.list_(pa.int64())),
            "pointed": pa.array(self.right.tolist(), pa.bool_()),
            "right_share": pa.array(self.shares.tolist(), pa.float64()),
        }

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """From `to_columns`."""
        points = np.array(columns["point"], dtype=np.int64).reshape(-1, 2)
        return cls(points, np.array(columns["pointed"], np.bool_), np.array(columns["right_share"], np.float64))


def pointed(
    items: Sequence[GroundingItem],
    windows: Mapping[int, Windows],
    images: ImageSet,
    score: Callable[[Candidates], FloatArray],
) -> Pointing:
    """Score the windows of each item's picture, and point at the highest place.

    Args:
        items: At least one.
        windows: By the picture's row.
        images: The windows of all pictures, in the order of `windows`.
        score: Gives logits of candidates.
    """
    counts = [len(own.boxes) for own in windows.values()]
    first = dict(zip(windows, np.cumsum(counts) - counts, strict=True))
    number: dict[str, int] = {}
    pairs, item = [], []
    for i, asked in enumerate(items):
        count = len(windows[asked.row].boxes)
        text = number.setdefault(asked.text, len(number))
        pairs.append(np.column_stack([first[asked.row] + np.arange(count), np.full(count, text)]))
        item.append(np.full(count, i))
    candidates = Candidates(images, tuple(number), np.concatenate(pairs), np.concatenate(item))
    scores = np.split(score(candidates), candidates.starts[1:])
    points = [peak(windows[asked.row].heat_map(own)) for asked, own in zip(items, scores, strict=True)]
    answers = [[asked.boxes[k] for k in asked.answers] for asked in items]
    right = [any(_holds(box, point) for box in boxes) for boxes, point in zip(answers, points, strict=True)]
    shares = [_share(boxes, windows[asked.row].size) for asked, boxes in zip(items, answers, strict=True)]
    return Pointing(np.array(points, np.int64), np.array(right, np.bool_), np.array(shares))


def _holds(box: Box, point: tuple[int, int]) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


def _share(boxes: Sequence[Box], size: tuple[int, int]) -> float:
    """The share of a picture that boxes take together; where they overlap, once."""
    inside = np.zeros((size[1], size[0]), dtype=np.bool_)
    for left, top, right, bottom in boxes:
        inside[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return float(inside.mean())
