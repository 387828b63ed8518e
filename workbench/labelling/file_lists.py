"""Lists of files of a folder, such as those that are to be labelled next."""

from pathlib import Path

from workbench.datasets.sources._rows import read_columns, read_rows
from workbench.errors import DataError
from workbench.inputs import read_text
from workbench.texts import shown

FILE_COLUMN = "file"


def read_files(path: Path, folder: Path) -> frozenset[str]:
    """Paths relative to a folder, from a .csv, .tsv or .jsonl table with a column `file`, or a path a line.

    Raises:
        DataError: There is no such list or column, it is empty, or a file is not in the folder; names the first.
    """
    if path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".ndjson"}:
        columns = read_columns(path)
        if FILE_COLUMN not in columns:
            raise DataError(f"{path}: expected a column {FILE_COLUMN!r}; there are: {', '.join(columns) or 'none'}.")
        # A spreadsheet would compute a cell that begins like a formula, so ours have an apostrophe before it.
        names = [str(row.get(FILE_COLUMN) or "").removeprefix("'") for _, row in read_rows(path)]
    else:
        names = [line.strip() for line in read_text(path, DataError).splitlines()]
    files = frozenset(name for name in names if name)
    if not files:
        raise DataError(f"{path}: names no file.")
    for name in sorted(files):
        if not (folder / name).is_file():
            raise DataError(f"{path}: {shown(name, 200)} is not in {folder}; paths are relative to that folder.")
    return files
