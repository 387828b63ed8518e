"""Files that people ask for: whole or as they were before, and one sentence where they cannot be written."""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where there is no space, or a file may not be as large."""


class OutputError(WorkbenchError):
    """A file that somebody asked for cannot be written."""


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """A place to write a file at; it takes the name `path` when the block ends well.

    What is no regular file, such as `/dev/stdout` or a named pipe, is given itself. Permissions follow the umask.

    Args:
        path: Its folder is made if it is not there; an existing file is replaced.

    Raises:
        OutputError: It cannot be written; an existing file is as it was before.
    """
    special = path.exists() and not path.is_file()
    aside = path if special else path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        if not special:
            aside.replace(path.resolve() if path.is_symlink() else path)
    except OSError as error:
        raise OutputError(f"{path}: {reason(error, _size(aside))}.") from error
    finally:
        if not special:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


def write_output(path: Path, data: bytes) -> None:
    """Write a file as `output_file` does; raises `OutputError`, which says how large it is."""
    try:
        with output_file(path) as aside, aside.open("wb") as file:
            file.write(data)
    except OutputError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in FULL:
            raise OutputError(f"{path}: {reason(cause, len(data))}.") from cause
        raise


def reason(error: OSError, size: int = 0) -> str:
    """Why something could not be written, with the size that was needed where that is why.

    Args:
        error: What was raised.
        size: Bytes; 0 if not known.
    """
    said = os.strerror(error.errno) if error.errno else error.strerror or str(error)
    if error.errno in FULL:
        return f"no space left{f' for {size / 1e6:.1f} MB' if size else ''} ({said}); free some, or name another place"
    return f"cannot be written ({said})"


def system_error(error: BaseException) -> OSError | None:
    """What the system said, of an error that tells of it: safetensors raises one of its own kind."""
    if isinstance(error, OSError):
        return error
    found = re.search(r"(?:os error |code: )(\d+)", str(error)) if type(error).__name__ == "SafetensorError" else None
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def check_room(folder: Path, size: int, what: str, advice: str) -> None:
    """See that a folder, which need not be there, may be written and has room, before what is to go there is computed.

    Args:
        folder: Where it goes.
        size: Bytes that are needed.
        what: What needs them, for example `features of 1000 images`.
        advice: What to do, a sentence.

    Raises:
        OutputError: It may not be written, or has less room.
    """
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    if not there.is_dir():
        raise OutputError(f"{folder}: {there} is no folder, so {what} cannot be kept there. {advice}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: may not be written, so {what} cannot be kept there. {advice}")
    free = shutil.disk_usage(there).free
    if free < size:
        raise OutputError(f"{folder}: {what} need {size / 1e6:.1f} MB, and {free / 1e6:.1f} MB are left. {advice}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
