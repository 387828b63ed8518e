"""CSV and JSONL tables of image files."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard, TableSource
from workbench.datasets.sources._base import Location, Record, make_record
from workbench.datasets.sources._files import FileBacked
from workbench.datasets.sources._locate import Locator
from workbench.errors import DataError
from workbench.registry import closest


class TableReader(FileBacked):
    """One table for all splits, or one for each."""

    def __init__(self, card: DatasetCard, locate: Locator) -> None:
        source = card.source
        assert isinstance(source, TableSource)
        paths = {None: source.path} if isinstance(source.path, str) else dict(source.path)
        self._tables = [(split, locate.find(path)) for split, path in paths.items()]
        root = locate.find(source.root) if source.root else self._tables[0][1].parent
        super().__init__(root, [path for _, path in self._tables])
        self._card = card

    def records(self) -> list[Record]:
        """See `Source.records`."""
        return [
            record
            for split, path in self._tables
            for record in table_records(self._card, path, split, prefix="", image_column=self._card.columns.image)
        ]


def table_records(card: DatasetCard, path: Path, split: str | None, prefix: str, image_column: str) -> Iterator[Record]:
    """Records of one table; image paths get `prefix` in front."""
    for number, row in read_rows(path):
        if image_column not in row:
            known = closest(image_column, row) or f" Columns there: {', '.join(row)}."
            raise DataError(f"{path}: no column {image_column!r} with the image's file name.{known}")
        file = str(row.pop(image_column)).replace("\\", "/")
        if not file:
            raise DataError(f"{path}, line {number}: {image_column!r} is empty; it must name an image file.")
        yield make_record(card, f"{path}, line {number}", row, Location(prefix + file), split)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, row) of a .csv, .tsv or .jsonl file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix.lower() in {".jsonl", ".ndjson"}:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _json_row(path, number, line)
            return
        reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        for row in reader:
            if None in row or None in row.values():
                raise DataError(f"{path}, line {reader.line_num}: the number of fields differs from the header's.")
            yield reader.line_num, row


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {number}: not valid JSON ({error}).") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: expected a JSON object, got {type(row).__name__}.")
    return row
