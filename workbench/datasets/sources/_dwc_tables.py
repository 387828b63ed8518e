"""Tables of Darwin Core: delimited text whose columns are terms, in a file or in a zip archive."""

import csv
import io
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from workbench.datasets.sources._unread import Unread
from workbench.errors import DataError
from workbench.inputs import check_regular

UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What reading a file or a member of an archive may raise: it is damaged, encrypted, or packed in an unknown way."""
_LONGEST_LINE = 16 * 2**20  # Characters; what claims more is no table, and would fill the memory.
_NULLS = {"\\N", "\\n"}


@dataclass(frozen=True)
class Place:
    """A file, or a member of a zip archive.

    Attributes:
        path: The file, or the archive.
        member: Name within the archive, or None.
    """

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}, {self.member}"

    @property
    def name(self) -> str:
        """Name of the file without folders."""
        return (self.member or self.path.name).rpartition("/")[2]

    def open(self) -> IO[bytes]:
        """The content as a stream.

        Raises:
            OSError: It cannot be read.
            zipfile.BadZipFile: The archive is damaged.
        """
        if self.member is None:
            check_regular(self.path)
            return self.path.open("rb")
        archive = zipfile.ZipFile(self.path)
        return archive.open(self.member)


@dataclass(frozen=True)
class DwcTable:
    """A table and how it is written.

    Attributes:
        places: Its files.
        columns: The term of each column by its position.
        constants: Terms that are the same in all rows.
        defaults: Values of terms where a cell is empty.
        id_column: Position of the id of the core's row, or None.
        kind: What its rows are: `Occurrence`, `Multimedia`, ...
        delimiter: Between fields; one character.
        quote: Around fields, or empty.
        encoding: Of the text.
        header_lines: Lines to pass over.
    """

    places: tuple[Place, ...]
    columns: Mapping[int, str]
    constants: Mapping[str, str]
    defaults: Mapping[str, str]
    id_column: int | None
    kind: str = "Occurrence"
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header_lines: int = 0

    @property
    def name(self) -> str:
        """Name of its first file."""
        return self.places[0].name

    @property
    def terms(self) -> list[str]:
        """Its columns."""
        return list(dict.fromkeys([*self.columns.values(), *self.constants]))

    def rows(self, terms: Collection[str], unread: Unread | None = None) -> Iterator[tuple[str, dict[str, str]]]:
        """(id of the core's row, term to value) of each row; cells that are empty are left out.

        Args:
            terms: The columns to read; there may be hundreds of others.
            unread: Counts rows with fewer fields than columns, which are not read.

        Raises:
            DataError: A file cannot be read; it is named.
        """
        columns = [(i, term) for i, term in self.columns.items() if term in terms]
        same = {term: value for term, value in {**self.defaults, **self.constants}.items() if term in terms}
        last = max(self.columns, default=0)
        for place in self.places:
            for number, fields in enumerate(read_fields(place, self), self.header_lines + 1):
                if len(fields) <= last:
                    if unread is not None and any(fields):
                        unread.add(
                            "row with fewer fields than columns", "rows with fewer fields than columns", f"row {number}"
                        )
                    continue
                row = dict(same)
                for i, term in columns:
                    value = fields[i].strip()
                    if value and value not in _NULLS:
                        row[term] = value
                own = fields[self.id_column].strip() if self.id_column is not None else ""
                yield own or f"row {number}", row


def read_fields(place: Place, table: DwcTable) -> Iterator[list[str]]:
    """The fields of each line of a file, those of the heading left out; raises `DataError`."""
    csv.field_size_limit(2**31 - 1)
    try:
        with place.open() as raw, io.TextIOWrapper(raw, encoding=table.encoding, newline="") as file:
            lines = _lines(file, place)
            for _ in range(table.header_lines):
                next(lines, None)
            if table.quote:
                yield from csv.reader(lines, delimiter=table.delimiter, quotechar=table.quote)
            else:
                yield from csv.reader(lines, delimiter=table.delimiter, quoting=csv.QUOTE_NONE)
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: is not {table.encoding} ({error.reason} at byte {error.start}).") from error
    except (*UNREADABLE, csv.Error, LookupError) as error:
        raise DataError(f"{place}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def first_line(place: Place) -> str:
    """The heading of a table in UTF-8; raises `DataError`."""
    try:
        with place.open() as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
            return next(_lines(file, place), "").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8.") from error
    except UNREADABLE as error:
        raise DataError(f"{place}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def _lines(file: io.TextIOWrapper, place: Place) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise DataError(f"{place}: has a line of more than {_LONGEST_LINE:,} characters; it is no table.")
        yield line
