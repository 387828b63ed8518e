"""Parquet files that carry the images' bytes."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard, ParquetSource
from workbench.datasets.sources._base import Location, Record, make_record
from workbench.datasets.sources._files import FileBacked
from workbench.datasets.sources._locate import Locator
from workbench.errors import DataError
from workbench.registry import closest


class ParquetReader(FileBacked):
    """The image column holds bytes, or `{bytes, path}` as Hugging Face writes it."""

    def __init__(self, card: DatasetCard, locate: Locator) -> None:
        source = card.source
        assert isinstance(source, ParquetSource)
        paths = {None: source.path} if isinstance(source.path, str) else dict(source.path)
        self._files = [(split, file) for split, pattern in paths.items() for file in locate.find_all(pattern)]
        super().__init__(_common_folder([file for _, file in self._files]))
        self._card = card
        self._lock = threading.Lock()
        self._open: tuple[str, int, int, Any] | None = None  # file, first row, end row, image column of a row group

    def records(self) -> list[Record]:
        """See `Source.records`."""
        import pyarrow.parquet as pq

        found: list[Record] = []
        image = self._card.columns.image
        for split, path in self._files:
            file = pq.ParquetFile(path)
            names = file.schema_arrow.names
            if image not in names:
                known = closest(image, names) or f" Columns there: {', '.join(names)}."
                raise DataError(f"{path}: no column {image!r} with the images.{known}")
            rows = file.read(columns=[name for name in names if name != image]).to_pylist()
            own = path.relative_to(self.root).as_posix()
            for number, row in enumerate(rows):
                found.append(make_record(self._card, f"{path}, row {number}", row, Location(own, number), split))
        return found

    def read(self, location: Location) -> bytes:
        """See `Source.read`. The row group read last stays in memory, since readers go through rows in order."""
        with self._lock:
            if (
                self._open is None
                or self._open[0] != location.file
                or not self._open[1] <= location.row < self._open[2]
            ):
                self._open = self._row_group(location)
            _, first, _, column = self._open
        value = column[location.row - first].as_py()
        if isinstance(value, Mapping):
            value = value.get("bytes")
        return bytes(value) if value is not None else b""

    def _row_group(self, location: Location) -> tuple[str, int, int, Any]:
        import pyarrow.parquet as pq

        file = pq.ParquetFile(self.root / location.file)
        first = 0
        for index in range(file.num_row_groups):
            end = first + file.metadata.row_group(index).num_rows
            if location.row < end:
                table = file.read_row_group(index, columns=[self._card.columns.image])
                return location.file, first, end, table.column(0)
            first = end
        raise DataError(f"{self.root / location.file}: has no row {location.row}; it changed while being read.")


def _common_folder(files: list[Path]) -> Path:
    folder = files[0].parent
    while not all(file.is_relative_to(folder) for file in files):
        folder = folder.parent
    return folder
