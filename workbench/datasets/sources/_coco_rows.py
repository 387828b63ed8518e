"""Rows of a COCO file: what a card may name as columns, and which images it asks for."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._coco_file import CocoFile
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._referring import Expression
from workbench.datasets.sources._scenes import Candidate, Scene, Scenes, candidates_of, instructions_of
from workbench.datasets.sources._unread import Unread
from workbench.datasets.walking import some
from workbench.formatting import counted

LABEL, CAPTION, BOXES, INSTRUCTIONS = "category", "caption", "boxes", "instructions"
_UNKNOWN_IMAGE = "expression about an image that it does not list", "expressions about images that it does not list"
_Said = list[tuple[Expression, str]]


class CocoRows:
    """The rows of one file.

    Args:
        card: Names the columns.
        coco: The file.
        expressions: Expressions about its images, each with its split where its file is one of a split.
        unread: Counts what is not read.
        prefix: Put in front of the images' files.
        split: The source's split of all images, or None.
        origin: The file, for messages.

    Attributes:
        unread: As given.
    """

    def __init__(
        self,
        card: DatasetCard,
        coco: CocoFile,
        expressions: Sequence[tuple[Expression, str | None]],
        unread: Unread,
        prefix: str,
        split: str | None,
        origin: str,
    ) -> None:
        if card.columns.label is None and "label" in card.usual_columns:
            card = card.model_copy(update={"columns": card.columns.model_copy(update={"label": LABEL})})
        self._card, self.unread, self._prefix, self._split = card, unread, prefix, split
        self._scenes, self._categories = Scenes(coco), coco.categories
        self._named = {getattr(card.columns, name) for name in card.columns.of_items}
        self._said = self._by_image(expressions)
        self._reader = RowReader(card, self._available(coco), origin)
        self._notes: list[str] = []

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, where categories are the labels."""
        return self._categories if self._reader.label == LABEL else []

    @property
    def files(self) -> set[str]:
        """All images that the file lists, relative to the source's root."""
        return {self._prefix + scene.file for scene in self._scenes}

    def notes(self) -> list[str]:
        """Sentences about what is not read."""
        return [*self.unread.notes(), *self._notes, *self._reader.notes]

    def of_images(self) -> list[Record]:
        """A record for each image that the card's task can use; of an image with several splits one for each."""
        records = [record for scene in self._scenes for record in self._of_image(scene)]
        several = sorted(file for file, by_split in self._said.items() if len(by_split) > 1)
        if several and INSTRUCTIONS in self._named:
            self._notes.append(
                f"{counted(len(several), 'image')} with expressions in several splits, in each of which the image "
                f"stands ({some(several)})."
            )
        if self._reader.label == LABEL and self._card.multi_label:
            bare = [scene.file for scene in self._scenes if not scene.labels]
            if bare:
                self._notes.append(f"{counted(len(bare), 'image')} of no category ({some(bare)}).")
        return records

    def of_boxes(self) -> Iterator[tuple[Record, Candidate]]:
        """A record for each box, of its category, with its image for a group; the location is that of the image."""
        for scene in self._scenes:
            for box in candidates_of(scene, self.unread):
                name = f"{scene.file}#{box.ids[0] or 'box'}"
                if box.label is None and self._reader.label == LABEL:
                    self.unread.add("box without a category", "boxes without a category", name)
                    continue
                row = {**scene.image.others, "file_name": scene.file, LABEL: [box.label] if box.label else []}
                record = self._record(row, scene, self._split)
                own = record.id if self._card.columns.id else name
                yield replace(record, id=own, group=record.group or scene.file), box

    def _by_image(self, expressions: Sequence[tuple[Expression, str | None]]) -> dict[str, dict[str | None, _Said]]:
        """Expressions with their kinds, by file and split."""
        found: dict[str, dict[str | None, _Said]] = defaultdict(lambda: defaultdict(list))
        for expression, split in expressions:
            scene = self._scenes.find(expression)
            if scene is None:
                for sentence in expression.texts:
                    where = f"image {expression.image or expression.file}: {sentence!r}"
                    self.unread.add(*_UNKNOWN_IMAGE, where)
                continue
            own = split or self._split or expression.split
            role = self._role(own)
            found[scene.file][role].append((expression, own if own and own != role else ""))
        return found

    def _role(self, split: str | None) -> str | None:
        """`testA` and `testB` together are test, unless the card names one of them."""
        test = self._card.splits.test
        return test if test == "test" and split is not None and split.startswith("test") else split

    def _available(self, coco: CocoFile) -> list[str]:
        """The columns that the file has."""
        annotations = [own for image in coco.images for own in image.annotations]
        there = {
            LABEL: any(own.label is not None for own in annotations),
            CAPTION: any(scene.texts for scene in self._scenes),
            BOXES: any(own.box is not None for own in annotations),
            INSTRUCTIONS: bool(self._said),
        }
        keys = dict.fromkeys(key for image in coco.images for key in image.others)
        return ["file_name", *(name for name, has in there.items() if has), *(key for key in keys if key not in there)]

    def _of_image(self, scene: Scene) -> Iterator[Record]:
        row: dict[str, Any] = {**scene.image.others, "file_name": scene.file, LABEL: scene.labels, CAPTION: scene.texts}
        if self._reader.label == LABEL and not scene.labels and not self._card.multi_label:
            self.unread.add("image without a category", "images without a category", scene.file)
            return
        if not self._named & {BOXES, INSTRUCTIONS}:
            yield self._record(row, scene, self._split)
            return
        boxes = candidates_of(scene, self.unread)
        if not boxes:
            self.unread.add("image without a box", "images without a box", scene.file)
            return
        row[BOXES] = [{"box": self._written(own.corners), LABEL: own.label} for own in boxes]
        if INSTRUCTIONS not in self._named:
            yield self._record(row, scene, self._split)
            return
        by_split = self._said.get(scene.file, {})
        found = {split: instructions_of(scene, boxes, said, self.unread) for split, said in by_split.items()}
        if not any(found.values()):
            self.unread.add("image without an expression", "images without an expression", scene.file)
        for split, instructions in found.items():
            if instructions:
                yield self._record({**row, INSTRUCTIONS: instructions}, scene, split)

    def _record(self, row: dict[str, Any], scene: Scene, split: str | None) -> Record:
        return self._reader.record(row, Location(self._prefix + scene.file), split, f"image {scene.file!r}")

    def _written(self, corners: tuple[int, int, int, int]) -> list[int]:
        """A box as the card says that boxes are written."""
        left, top, right, bottom = corners
        wide = getattr(getattr(self._card, "regions", None), "format", "xyxy") == "xywh"
        return [left, top, right - left, bottom - top] if wide else list(corners)
