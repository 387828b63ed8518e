"""Parquet files that carry the images' bytes."""

import io
import json
import posixpath
import threading
from abc import abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable, SplitName
from workbench.datasets.sources._base import Location, Record, Source
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._files import FileSource, StoredFiles, relative
from workbench.datasets.sources._locate import Locator, common_folder, find_by_split
from workbench.datasets.sources._parquet_images import image_paths
from workbench.datasets.sources._remote import RemoteFiles, are_addresses
from workbench.errors import DataError
from workbench.inputs import check_regular

# Row groups in memory; the usual ones are some ten megabytes, and a larger one is kept alone.
_CACHE_BYTES = 512 * 2**20
# What one row group may claim: more than any that is meant, and less than what exhausts a machine.
_MOST_ROWS = 50_000_000
_MOST_BYTES = 16 * 2**30


class ParquetTable(SourceTable):
    """Parquet files with the image as bytes or `{bytes, path}`; a glob per split, or one for all."""

    type: Literal["parquet"]
    path: str | dict[SplitName, str]


class ParquetFiles(StoredFiles):
    """The image column holds bytes, or `{bytes, path}` as Hugging Face writes it.

    Files are read by row group, and the row groups read last stay in memory: ascending rows read each one once.
    """

    Table: ClassVar[type[SourceTable]] = ParquetTable

    def _prepare(self, card: DatasetCard) -> None:
        self._card = card
        self._lock = threading.Lock()
        self._tables: dict[str, tuple[Any, str, list[int]]] = {}
        self._groups: OrderedDict[tuple[str, int], Any] = OrderedDict()

    @abstractmethod
    def _open(self, name: str) -> Any:
        """A `pyarrow.parquet.ParquetFile`."""

    def records(self) -> list[Record]:
        """See `Source.records`."""
        self.notes = ()
        return [record for split, name in self.files for record in self._records(name, split)]

    def _records(self, file_name: str, split: str | None) -> list[Record]:
        import pyarrow as pa

        file, path = self._open(file_name), self.where(file_name)
        names: list[str] = file.schema_arrow.names
        reader = RowReader(self._card, names, path)
        codes = class_label_names(file.schema_arrow.metadata, reader.label)
        if codes:
            self.class_names = coded_classes(codes, self._card)
        try:
            table = file.read(columns=[name for name in names if name != reader.image])
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path}: is damaged ({next(iter(str(error).splitlines()), '')}).") from error
        paths = image_paths(file, reader.image, path)
        rows = table.to_pylist() if table.num_columns else [{}] * file.metadata.num_rows
        records = []
        for number, row in enumerate(rows):
            if codes and reader.label:
                row[reader.label] = decode_labels(row[reader.label], codes, self._card)
            location = Location(file_name, number)
            if (name := paths[number]) is not None:
                location = Location(_below(file_name, name))
            records.append(reader.record(row, location, split, f"row {number}"))
        self.notes = (*self.notes, *reader.notes)
        return records

    def read_row(self, location: Location) -> bytes:
        """The bytes that a row holds."""
        with self._lock:
            column, first = self._row_group(location)
        value = column[location.row - first].as_py()
        if isinstance(value, Mapping):
            value = value.get("bytes")
        # A row without an image is an empty file to whoever decodes it.
        return value or b""

    def _row_group(self, location: Location) -> tuple[Any, int]:
        """The image column of the row group that holds a row, and the group's first row."""
        import pyarrow as pa

        file, image, starts = self._table(location.file)
        if not 0 <= location.row < starts[-1]:
            raise DataError(f"{self.where(location.file)}: has no row {location.row}; it changed while being read.")
        index = bisect_right(starts, location.row) - 1
        key = (location.file, index)
        if key not in self._groups:
            try:
                self._groups[key] = file.read_row_group(index, columns=[image]).column(0)
            except (OSError, pa.ArrowException) as error:
                raise DataError(f"{self.where(location.file)}: row group {index} is damaged ({error}).") from error
            while len(self._groups) > 1 and sum(column.nbytes for column in self._groups.values()) > _CACHE_BYTES:
                self._groups.popitem(last=False)
        self._groups.move_to_end(key)
        return self._groups[key], starts[index]

    def _table(self, name: str) -> tuple[Any, str, list[int]]:
        """The open file, its image column, and the first row of each row group with the number of rows at the end."""
        if name not in self._tables:
            file = self._open(name)
            sizes = (file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
            image = RowReader(self._card, file.schema_arrow.names, self.where(name)).image
            self._tables[name] = (file, image, [0, *accumulate(sizes)])
        return self._tables[name]


class ParquetReader(ParquetFiles, FileSource):
    """Parquet files on this machine."""

    def __init__(self, card: DatasetCard, place: Locator) -> None:
        assert isinstance(card.source, ParquetTable)
        found = find_by_split(card, card.source.path, place)
        paths = [path for _, path in found]
        super().__init__(common_folder(paths), paths)
        self.files = [(split, relative(path, self.root)) for split, path in found]
        self._prepare(card)

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Source:
        """See `Source.open`."""
        assert isinstance(card.source, ParquetTable)
        return RemoteParquetReader(card) if are_addresses(card.source.path, card.name) else cls(card, place)

    def _open(self, name: str) -> Any:
        return open_parquet(self.root / name)

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        return super().read(location) if location.row < 0 else self.read_row(location)


class RemoteParquetReader(ParquetFiles, RemoteFiles):
    """Parquet files in an object store: of each the footer, the columns beside the image, and row groups are read."""

    def __init__(self, card: DatasetCard) -> None:
        super().__init__(card)
        self._prepare(card)

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:  # noqa: ARG003
        """See `Source.open`."""
        return cls(card)

    def _open(self, name: str) -> Any:
        return parquet_file(self.open_ranges(name), self.where(name))

    def read(self, location: Location) -> bytes:
        """See `Source.read`."""
        return super().read(location) if location.row < 0 else self.read_row(location)


def open_parquet(path: Path) -> Any:
    """A `pyarrow.parquet.ParquetFile`; raises `DataError` where the file is none."""
    try:
        check_regular(path)
    except OSError as error:
        raise DataError(f"{path}: is not a readable Parquet file ({error.strerror}).") from error
    return parquet_file(path, str(path))


def parquet_file(data: Path | io.RawIOBase, path: str) -> Any:
    """A `pyarrow.parquet.ParquetFile`; raises `DataError`, which names `path`, where the data is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(data)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{path}: is not a readable Parquet file ({reason}).") from error
    for i in range(file.num_row_groups):
        group = file.metadata.row_group(i)
        if group.num_rows > _MOST_ROWS or group.total_byte_size > _MOST_BYTES:
            raise DataError(
                f"{path}: row group {i} claims {group.num_rows:,} rows and {group.total_byte_size:,} bytes; groups of "
                f"at most {_MOST_ROWS:,} rows and {_MOST_BYTES:,} bytes are read. Write it with smaller row groups."
            )
    return file


def _below(table: str, image: str) -> str:
    """A path that a row has, which starts from its table's folder, as one that starts from the root."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(table), image.replace("\\", "/")))


def class_label_names(metadata: Mapping[bytes, bytes] | None, label: str | None) -> tuple[str, ...]:
    """Names of a `ClassLabel` column, from what Hugging Face's `datasets` writes into a schema; empty without."""
    try:
        feature = json.loads((metadata or {})[b"huggingface"])["info"]["features"][label]
        feature = feature[0] if isinstance(feature, list) else feature.get("feature", feature)
        return tuple(feature["names"])
    except (KeyError, ValueError, TypeError, IndexError, AttributeError):
        return ()


def decode_labels(value: Any, names: tuple[str, ...], card: DatasetCard) -> Any:
    """Class codes as raw labels: their names, or the codes as text where the card's classes go by code."""
    if isinstance(value, list):
        return [decode_labels(item, names, card) for item in value]
    if not isinstance(value, int) or not 0 <= value < len(names):
        return None  # -1 is how `datasets` marks a label that is withheld.
    return str(value) if _by_code(names, card) else names[value]


def coded_classes(names: tuple[str, ...], card: DatasetCard) -> dict[str, str]:
    """Raw label to class name, in the order of the codes."""
    return {str(i) if _by_code(names, card) else name: name for i, name in enumerate(names)}


def _by_code(names: tuple[str, ...], card: DatasetCard) -> bool:
    return "0" in card.classes and not set(names) & set(card.classes)
