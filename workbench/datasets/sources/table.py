"""CSV and JSONL tables of image files."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable, SplitName
from workbench.datasets.roles import role_of
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._beside import images_beside
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._files import FileSource
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources._rows import read_columns, read_rows
from workbench.errors import DataError


class RowsTable(SourceTable):
    """A CSV or JSONL file per split, or one for all; paths are relative to `root`, by default the file's folder."""

    type: Literal["csv", "jsonl"]
    path: str | dict[SplitName, str]
    root: str | None = None


class TableReader(FileSource):
    """One table for all splits, or one for each."""

    Table: ClassVar[type[SourceTable]] = RowsTable

    def __init__(self, card: DatasetCard, place: Locator) -> None:
        source = card.source
        assert isinstance(source, RowsTable)
        paths = {None: source.path} if isinstance(source.path, str) else dict(source.path)
        self._tables = [(name and getattr(card.splits, name), place.find(path)) for name, path in paths.items()]
        root = place.find(source.root) if source.root else self._tables[0][1].parent
        super().__init__(root, [path for _, path in self._tables])
        self._card = card

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:
        """See `Source.open`."""
        return cls(card, place)

    def records(self) -> list[Record]:
        """See `Source.records`."""
        records: list[Record] = []
        notes: list[str] = []
        for split, path in self._tables:
            records += table_records(self._card, path, split, notes=notes)
        records = split_of_paths(records, self._card, notes)
        named = {record.location.file for record in records}
        self.notes = (*notes, *images_beside(self.root, named, [path for _, path in self._tables]))
        return records


def table_records(
    card: DatasetCard,
    path: Path,
    split: str | None,
    *,
    prefix: str = "",
    usual: Collection[str] | None = None,
    notes: list[str] | None = None,
) -> list[Record]:
    """Records of one table.

    Args:
        card: Names the columns.
        path: The table.
        split: The source's split of all its rows, where no column says otherwise.
        prefix: Put in front of image paths.
        usual: See `RowReader`.
        notes: Gains sentences about columns that are not read; they belong into `Source.notes`.

    Raises:
        DataError: The table cannot be read; the message names the line.
    """
    columns = read_columns(path)
    if not columns:
        raise DataError(f"{path}: has no rows.")
    reader = RowReader(card, columns, str(path), usual=usual)
    records = []
    for number, row in read_rows(path):
        name = row.get(reader.image)
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"{path}, line {number}: {reader.image!r} is empty; it must name an image file.")
        file = name.strip().replace("\\", "/").removeprefix("./")
        records.append(reader.record(row, Location(prefix + file), split, f"line {number}"))
    if not records:
        raise DataError(f"{path}: has no rows.")
    if notes is not None:
        notes += reader.notes
    return records


def split_of_paths(records: Sequence[Record], card: DatasetCard, notes: list[str]) -> list[Record]:
    """Take splits from the first folder of every path where nothing else says them and all these folders are splits.

    Args:
        records: Rows of tables.
        card: Its splits name the folders; where it names none of its columns for them.
        notes: Gains a sentence where this is done.
    """
    tops = {record.location.file.partition("/")[0] if "/" in record.location.file else "" for record in records}
    roles = {role_of(top, card.splits) for top in tops}
    if any(record.split for record in records) or None in roles or len(tops) < 2 or len(roles) < len(tops):
        return list(records)
    notes.append(f"No column names splits; they are taken from the folders of the images: {', '.join(sorted(tops))}.")
    return [replace(record, split=record.location.file.partition("/")[0]) for record in records]
