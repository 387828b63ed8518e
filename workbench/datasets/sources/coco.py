"""COCO JSON: classes, captions, boxes, and expressions that mean one of the boxes."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import model_validator

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable, SplitName
from workbench.datasets.sources._base import Record
from workbench.datasets.sources._beside import images_beside
from workbench.datasets.sources._coco_file import coco_of, is_coco, not_coco, read_json
from workbench.datasets.sources._coco_rows import CocoRows
from workbench.datasets.sources._files import FileSource
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources._referring import Expression, expressions_of, read_expressions
from workbench.datasets.sources._unread import Unread
from workbench.errors import DataError

PerSplit = str | dict[SplitName, str]


class CocoTable(SourceTable):
    """A file of COCO's JSON, or one for each split.

    The columns are `category` (names of the categories in an image), `caption`, `boxes` and `instructions`, as the
    tasks read them, and the keys of `images` (`location`, `seq_id`, ...).

    Attributes:
        path: The JSON.
        root: Folder of the images, or one for each split; by default that of the JSON.
        refs: Files of referring expressions for the boxes of `path`; without it they are looked for in `path` itself.
        crops: Whether each box is an image of its own, of the box's category.
    """

    type: Literal["coco"]
    path: PerSplit
    root: PerSplit | None = None
    refs: PerSplit | None = None
    crops: bool = False

    @model_validator(mode="after")
    def _files_agree(self) -> Self:
        if self.refs is not None and not isinstance(self.path, str):
            raise ValueError("source.refs says the splits of images, so that source.path must be one file")
        if self.refs is not None and self.crops:
            raise ValueError("source.crops makes an image of each box, which leaves source.refs nothing to choose from")
        if isinstance(self.root, dict) and (isinstance(self.path, str) or self.root.keys() != self.path.keys()):
            raise ValueError("source.root names a folder for each split, so that source.path must name the same splits")
        return self


class _Part(NamedTuple):
    """A file with its split and the folder of its images."""

    split: str | None
    file: Path
    folder: Path


class CocoReader(FileSource):
    """Reads whole images; `CocoBoxReader` makes an image of each box.

    Args:
        card: The card.
        place: Finds the files that its table names.
    """

    Table: ClassVar[type[SourceTable]] = CocoTable

    def __init__(self, card: DatasetCard, place: Locator) -> None:
        table = card.source
        assert isinstance(table, CocoTable)
        self._card = card
        self._parts = [
            _Part(split and getattr(card.splits, split), file, _folder(table, split, file, place))
            for split, file in _found(table.path, place)
        ]
        self._refs = [(split and getattr(card.splits, split), file) for split, file in _found(table.refs, place)]
        root = Path(os.path.commonpath([part.folder for part in self._parts]))
        super().__init__(root, [*(part.file for part in self._parts), *(file for _, file in self._refs)])

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> "CocoReader":
        """See `Source.open`."""
        from workbench.datasets.sources._coco_boxes import CocoBoxReader

        return (CocoBoxReader if getattr(card.source, "crops", False) else cls)(card, place)

    def records(self) -> list[Record]:
        """See `Source.records`."""
        records: list[Record] = []
        notes: list[str] = []
        names: dict[str, str] = {}
        named: set[str] = set()
        for part in self._parts:
            rows = self._rows(part, notes)
            records += self._records(rows)
            names |= {name: name for name in rows.class_names}
            named |= rows.files
            notes += rows.notes()
        if not records:
            said = " ".join(["no image is left that the card asks for.", *notes])
            raise DataError(f"{self._parts[0].file}: {said}")
        self.class_names: Mapping[str, str] = names
        self.notes = (*notes, *images_beside(self.root, named, [part.file for part in self._parts]))
        return records

    def _records(self, rows: CocoRows) -> list[Record]:
        return rows.of_images()

    def _rows(self, part: _Part, notes: list[str]) -> CocoRows:
        content, unread = read_json(part.file), Unread(part.file.name)
        if not is_coco(content):
            raise not_coco(content, part.file)
        coco = coco_of(content, part.file, unread)
        del content  # The largest thing in memory.
        expressions: list[tuple[Expression, str | None]] = []
        for split, file in self._refs:
            of_refs = Unread(file.name)
            expressions += [(own, split) for own in read_expressions(file, of_refs)]
            notes += of_refs.notes()
        if not self._refs:
            expressions = [(own, None) for own in expressions_of(coco, part.file)]
        folder = part.folder.relative_to(self.root).as_posix()
        prefix = "" if folder == "." else f"{folder}/"
        return CocoRows(self._card, coco, expressions, unread, prefix, part.split, str(part.file))


def _found(paths: PerSplit | None, place: Locator) -> list[tuple[SplitName | None, Path]]:
    named: dict[SplitName | None, str] = {None: paths} if isinstance(paths, str) else dict(paths or {})  # type: ignore[arg-type]
    return [(split, file) for split, pattern in named.items() for file in place.find_all(pattern)]


def _folder(table: CocoTable, split: SplitName | None, file: Path, place: Locator) -> Path:
    name = table.root.get(split) if isinstance(table.root, dict) and split else table.root
    if not isinstance(name, str):
        return file.parent
    folder = place.find(name)
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder, although source.root of the card names it for the images.")
    return folder
