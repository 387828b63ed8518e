"""Rows of CSV and JSONL files."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.errors import DataError
from workbench.inputs import IrregularFileError, check_regular, parse_json

_JSON = {".jsonl", ".ndjson"}


def read_columns(path: Path) -> list[str]:
    """The columns of a table in their order; of a .jsonl file those that any line has. Empty where there is no row."""
    if path.suffix.lower() in _JSON:
        return list(dict.fromkeys(key for _, row in read_rows(path) for key in row))
    _, row = next(read_rows(path), (0, {}))
    return list(row)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, row) of a .jsonl file, or else of a table separated by commas, semicolons or tabs.

    Spaces around the names of columns do not count.

    Raises:
        DataError: It is not UTF-8, not JSON, names a column twice, or a row has more or fewer fields than the header;
            the line is named.
    """
    try:
        check_regular(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() in _JSON:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _json_row(path, number, line)
                return
            header = file.readline()
            file.seek(0)
            csv.field_size_limit(2**31 - 1)  # Captions and scenes may be longer than the default of 128 KiB.
            reader = csv.DictReader(file, delimiter=max(",;\t", key=header.count))
            reader.fieldnames = _columns(path, reader.fieldnames or ())
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


def _columns(path: Path, names: Any) -> list[str]:
    stripped = [name.strip() for name in names]
    twice = next((name for name in stripped if name and stripped.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: the header names column {twice!r} {stripped.count(twice)} times; rename one of them.")
    return stripped


def _json_row(path: Path, number: int, line: str) -> dict[str, Any]:
    row = parse_json(line, f"{path}, line {number}", DataError)
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: expected a JSON object, got {type(row).__name__}.")
    return row
