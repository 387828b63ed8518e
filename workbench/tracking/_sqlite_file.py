"""A local store's SQLite file: made whole or not at all, and brought back after a kill inside a commit."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.locks import locked

_WAIT_SECONDS = 30.0
_INCOMPLETE = ".incomplete"


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection.

    A process that was killed inside a commit leaves a journal that has to be rolled back before anyone can read. A
    read-only connection cannot do that, so the file is opened for writing once.

    Raises:
        WorkbenchError: The file is no SQLite file, or has to be rolled back and may not be written; says which.
    """
    try:
        with closing(_connect(file, "ro")) as connection:
            try:
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            except sqlite3.OperationalError:
                if not _journal(file).exists():
                    raise
                _roll_back(file)
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # Of a damaged schema sqlite3 raises the second.
        raise WorkbenchError(f"{file}: cannot be read as an MLflow store ({error}).") from error


def make(file: Path, build: Callable[[str], None]) -> None:
    """Make a store where there is none yet, or only the remains of one that was never finished.

    It is built aside and renamed, so that a kill or a full disk leaves none rather than a half. Several processes may
    ask at once: one builds, the others wait.

    Args:
        file: The database file.
        build: Builds a store at an `sqlite:///` URI and closes it.

    Raises:
        WorkbenchError: The folder cannot be written.
    """
    if is_whole(file):
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file.with_name(f".{file.name}.lock")):
            if is_whole(file):  # Another process has made it meanwhile.
                return
            if file.exists():
                _set_aside(file)
            _build_aside(file, build)
    except Exception as error:
        if not isinstance(error, OSError) and not type(error).__module__.startswith(("sqlalchemy", "sqlite3")):
            raise
        # A database says "disk I/O error" where it means a full disk, or a limit on the size of files.
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise WorkbenchError(
            f"{file.parent}: no store can be made there ({reason}). WORKBENCH_RUNS names a folder for it that may be "
            "written and has a few MB of space."
        ) from error


def is_whole(file: Path) -> bool:
    """Whether there is a store with runs in it, or one that was made to its end.

    A store that was interrupted while MLflow first made it lacks the mark that its tables are complete, and has no run.
    """
    if not file.is_file() or file.stat().st_size == 0:
        return False
    with reading(file) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" in tables and connection.execute("SELECT 1 FROM alembic_version").fetchone():
            return True
        return "runs" in tables and connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode={mode}", uri=True, timeout=_WAIT_SECONDS)


def _journal(file: Path) -> Path:
    return file.with_name(f"{file.name}-journal")


def _roll_back(file: Path) -> None:
    try:
        # SQLite itself sees to it that one process at a time rolls back.
        with closing(_connect(file, "rw")) as connection:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        raise WorkbenchError(
            f"{file}: a process was killed while it wrote to this store, and what it left cannot be rolled back, "
            f"because the file or its folder may not be written ({error}). Run any `workbench` command as a user who "
            "may write there."
        ) from error


def _set_aside(file: Path) -> None:
    aside = file.with_name(file.name + _INCOMPLETE)
    _journal(file).unlink(missing_ok=True)
    os.replace(file, aside)  # noqa: PTH105 - the atomic step, named as such


def _build_aside(file: Path, build: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}-") as folder:
        made = Path(folder) / file.name
        build(f"sqlite:///{made}")
        with made.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(made, file)  # noqa: PTH105


def move_artifacts(file: Path, old: str, new: str) -> None:
    """Replace the beginning of the addresses of an experiment's artifacts, in one transaction.

    Args:
        file: The database file.
        old: Address of the experiment's artifacts as recorded.
        new: Where they are now.

    Raises:
        WorkbenchError: The file may not be written.
    """
    moved = "UPDATE {} SET {} = ? || substr({}, ?) WHERE {} = ? OR substr({}, 1, ?) = ?"
    places = (("experiments", "artifact_location"), ("runs", "artifact_uri"))
    try:
        with closing(_connect(file, "rw")) as connection, connection:
            for table, column in places:
                statement = moved.format(table, column, column, column, column)
                connection.execute(statement, (new, len(old) + 1, old, len(old) + 1, f"{old}/"))
    except sqlite3.Error as error:
        raise WorkbenchError(f"{file}: was moved, and its runs' addresses cannot be written anew ({error}).") from error
