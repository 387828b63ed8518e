"""Images of COCO files with their candidate boxes, and the boxes that expressions mean."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.datasets.sources._coco_file import Annotation, CocoFile, CocoImage, Corners
from workbench.datasets.sources._referring import Expression
from workbench.datasets.sources._unread import Unread

_TOLERANCE = 1.0  # Pixels by which a box that stands with an expression may differ from that of the annotation.
_NUMBERED = re.compile(r"_\d+(?=\.\w+$)")  # RefCOCO's expressions number the objects in their image's name.


@dataclass
class Scene:
    """One image with all that COCO files say of it.

    Attributes:
        file: Its file, relative to the images' folder.
        image: The first entry of the file.
        texts: Captions of the whole image.
        annotations: What lies in it.
    """

    file: str
    image: CocoImage
    texts: list[str] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """Names of the categories of what lies in it, each once."""
        return list(dict.fromkeys(own.label for own in self.annotations if own.label is not None))


@dataclass(frozen=True)
class Candidate:
    """A box that may be meant.

    Attributes:
        ids: Ids of the annotations that have it.
        corners: Left, top, right, bottom in whole pixels.
        exact: The corners as the file has them.
        label: Its category, or None.
    """

    ids: tuple[str, ...]
    corners: tuple[int, int, int, int]
    exact: Corners
    label: str | None


class Scenes:
    """The images of a file, found by their ids and names.

    Args:
        coco: The file; entries with the same file are one image.
    """

    def __init__(self, coco: CocoFile) -> None:
        self._by_file: dict[str, Scene] = {}
        self._by_id: dict[str, Scene] = {}
        for image in coco.images:
            scene = self._by_file.setdefault(image.file, Scene(image.file, image))
            self._by_id[image.id] = scene
            scene.texts += () if image.of_sentence else image.texts
            scene.texts += [sentence for own in image.annotations if own.box is None for sentence in own.texts]
            scene.annotations += image.annotations
        self._by_name = {file.rpartition("/")[2]: scene for file, scene in self._by_file.items()}

    def __iter__(self) -> Iterator[Scene]:
        return iter(self._by_file.values())

    def find(self, expression: Expression) -> Scene | None:
        """The image of an expression, or None."""
        if expression.image is not None:
            return self._by_id.get(expression.image)
        name = (expression.file or "").replace("\\", "/").rpartition("/")[2]
        return self._by_name.get(name) or self._by_name.get(_NUMBERED.sub("", name))


def candidates_of(scene: Scene, unread: Unread) -> list[Candidate]:
    """The boxes of an image that can be cut out, equal ones once.

    Args:
        scene: The image.
        unread: Counts boxes about crowds, without an area, outside of the image, and equal ones.
    """
    found: dict[tuple[int, int, int, int], Candidate] = {}
    width, height = scene.image.size
    for own in scene.annotations:
        if own.box is None:
            continue
        left, top, right, bottom = (round(edge) for edge in own.box)
        corners = left, top, right, bottom
        name = f"{scene.file}, annotation {own.id or '?'}"
        if own.crowd:
            unread.add("box about a crowd", "boxes about crowds", name)
        elif right <= left or bottom <= top:
            unread.add("box without an area", "boxes without an area", name)
        elif left >= width or top >= height or right <= 0 or bottom <= 0:
            unread.add("box outside of its image", "boxes outside of their images", name)
        elif corners in found:
            before = found[corners]
            found[corners] = Candidate((*before.ids, own.id), corners, before.exact, before.label)
        else:
            found[corners] = Candidate((own.id,), corners, own.box, own.label)
    return list(found.values())


def instructions_of(
    scene: Scene, candidates: Sequence[Candidate], expressions: Sequence[tuple[Expression, str]], unread: Unread
) -> list[dict[str, Any]]:
    """Sentences with the box that each means, as the task `grounding` reads them.

    Args:
        scene: The image.
        candidates: Its boxes.
        expressions: Expressions about it, each with its kind, or an empty text.
        unread: Counts sentences that mean nothing, several things, or a box that is no candidate.
    """
    place = {own: i for i, candidate in enumerate(candidates) for own in candidate.ids}
    found = []
    for expression, kind in expressions:
        answer, fault = _answer(expression, candidates, place)
        for sentence in expression.texts:
            if fault is not None:
                unread.add(*fault, f"{scene.file}: {sentence!r}")
            else:
                found.append({"text": sentence, "answer": answer, **({"kind": kind} if kind else {})})
    return found


def _answer(
    expression: Expression, candidates: Sequence[Candidate], place: Mapping[str, int]
) -> tuple[int | None, tuple[str, str] | None]:
    """The candidate that is meant, or why there is none, in words for one expression and for several."""
    if expression.box is not None:
        answer = _nearest(expression.box, candidates)
    elif len(set(expression.targets)) == 1:
        answer = place.get(expression.targets[0])
    else:
        what = "several objects together" if expression.targets else "no object"
        return None, (f"expression that means {what}", f"expressions that mean {what}")
    if answer is None:
        return None, ("expression for a box that is not read", "expressions for boxes that are not read")
    if len(candidates) == 1:
        return None, ("expression for the only box of its image", "expressions for the only box of their image")
    return answer, None


def _nearest(box: Corners, candidates: Sequence[Candidate]) -> int | None:
    """The candidate with a box, which may be written as corners or as corner, width and height."""
    left, top, a, b = box
    ways = ((left, top, a, b), (left, top, left + a, top + b))
    distances = [
        min(max(abs(x - y) for x, y in zip(way, own.exact, strict=True)) for way in ways) for own in candidates
    ]
    best = min(range(len(candidates)), key=distances.__getitem__, default=None)
    return best if best is not None and distances[best] <= _TOLERANCE else None
