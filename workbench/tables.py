"""Tables for users, in the format that the file's suffix names, written whole or not at all."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.outputs import output_file, write_output
from workbench.texts import spreadsheet

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx", ".jsonl")

Rows = Sequence[Mapping[str, Any]]


def check_table_name(flag: str, path: Path) -> None:
    """Refuse a file whose suffix names no format, before the work.

    Args:
        flag: The option that names it.
        path: The file.

    Raises:
        WorkbenchError: The suffix is none of `TABLE_SUFFIXES`, or the package that writes it is not installed.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise WorkbenchError(f"{flag} {path}: its name must end in one of {', '.join(TABLE_SUFFIXES)}.")
    if path.suffix.lower() == ".xlsx":
        _openpyxl(flag, path)


def write_table(path: Path, rows: Rows) -> None:
    """Write rows; all have the columns of all, in the order in which they first occur.

    Args:
        path: The file; its suffix is one of `TABLE_SUFFIXES`.
        rows: Column to text, number, truth value or None.

    Raises:
        OutputError: It cannot be written; an existing file is as it was before.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        write_output(path, to_csv(rows).encode(errors="backslashreplace"))
    elif suffix == ".tsv":
        write_output(path, to_csv(rows, delimiter="\t").encode(errors="backslashreplace"))
    elif suffix == ".jsonl":
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
        write_output(path, "".join(lines).encode(errors="backslashreplace"))
    elif suffix == ".parquet":
        _write_parquet(path, rows)
    else:
        _write_xlsx(path, rows)


def columns_of(rows: Rows) -> list[str]:
    """Every column of any row, in the order in which they first occur."""
    return list(dict.fromkeys(column for row in rows for column in row))


def to_csv(rows: Rows, delimiter: str = ",") -> str:
    """Rows as text. File names and classes come from data, so cells that a spreadsheet would compute are quoted."""
    columns = columns_of(rows)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(map(spreadsheet, columns))
    writer.writerows([spreadsheet(_text(row.get(column))) for column in columns] for row in rows)
    return out.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _write_parquet(path: Path, rows: Rows) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({column: [row.get(column) for row in rows] for column in columns_of(rows)})
    with output_file(path) as aside:
        pq.write_table(table, aside)


def _write_xlsx(path: Path, rows: Rows) -> None:
    openpyxl = _openpyxl("", path)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("labels")
    columns = columns_of(rows)
    lines: list[list[Any]] = [list(columns), *([row.get(column) for column in columns] for row in rows)]
    for values in lines:
        cells = []
        for value in values:
            cell = openpyxl.cell.WriteOnlyCell(sheet, value)
            if isinstance(value, str):
                cell.data_type = "s"  # A name that begins with = is no formula.
            cells.append(cell)
        sheet.append(cells)
    with output_file(path) as aside:
        book.save(aside)


def _openpyxl(flag: str, path: Path) -> Any:
    try:
        import openpyxl
        import openpyxl.cell
    except ImportError as error:
        raise WorkbenchError(
            f"{flag} {path}: openpyxl writes .xlsx files and is not installed: pip install 'clip-workbench[xlsx]'. "
            "Spreadsheets open .csv files, too."
        ) from error
    return openpyxl
