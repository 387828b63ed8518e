"""CSV and JSONL tables of image files."""

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable, SplitName
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._files import FileSource
from workbench.datasets.sources._locate import Locator
from workbench.errors import DataError
from workbench.inputs import IrregularFileError, check_regular, parse_json


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
        return [record for split, path in self._tables for record in table_records(self._card, path, split)]


def table_records(
    card: DatasetCard, path: Path, split: str | None, *, prefix: str = "", usual: Collection[str] | None = None
) -> Iterator[Record]:
    """Records of one table.

    Args:
        card: Names the columns.
        path: The table.
        split: The source's split of all its rows, where no column says otherwise.
        prefix: Put in front of image paths.
        usual: See `RowReader`.
    """
    reader: RowReader | None = None
    for number, row in read_rows(path):
        if reader is None:
            reader = RowReader(card, list(row), str(path), usual=usual)
        name = row.get(reader.image)
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"{path}, line {number}: {reader.image!r} is empty; it must name an image file.")
        file = name.strip().replace("\\", "/").removeprefix("./")
        yield reader.record(row, Location(prefix + file), split, f"line {number}")
    if reader is None:
        raise DataError(f"{path}: has no rows.")


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, row) of a .jsonl file, or else of a table separated by commas, semicolons or tabs.

    Raises:
        DataError: It is not UTF-8, not JSON, or a row has more or fewer fields than the header; the line is named.
    """
    try:
        check_regular(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() in {".jsonl", ".ndjson"}:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _json_row(path, number, line)
                return
            header = file.readline()
            file.seek(0)
            csv.field_size_limit(2**31 - 1)  # Captions and scenes may be longer than the default of 128 KiB.
            reader = csv.DictReader(file, delimiter=max(",;\t", key=header.count))
            for row in reader:
                if None in row or None in row.values():
                    raise DataError(f"{path}, line {reader.line_num}: more or fewer fields than the header has.")
                yield reader.line_num, row
    except IrregularFileError as error:
        raise DataError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path}: is not a readable table ({error}).") from error


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    row = parse_json(line, f"{path}, line {number}", DataError)
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: expected a JSON object, got {type(row).__name__}.")
    return row
