"""Write files for users: whole, or left as they were before with an error of one sentence."""

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
"""Error numbers for no space, and for files that may not be as large."""


class OutputError(WorkbenchError):
    """A file for the user cannot be written."""


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """A temporary path to write a file at; it is renamed to `path` when the block ends well.

    A path that is no regular file, such as `/dev/stdout` or a named pipe, is used itself. Permissions follow the umask.

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
    """The reason why a file could not be written, with the needed size where that is the reason.

    Args:
        error: The error raised.
        size: Bytes; 0 if not known.
    """
    words = os.strerror(error.errno) if error.errno else error.strerror or str(error)
    if error.errno in FULL:
        return f"no space left{f' for {size / 1e6:.1f} MB' if size else ''} ({words}); free some, or name another place"
    return f"cannot be written ({words})"


def system_error(error: BaseException) -> OSError | None:
    """The system's error behind an error; safetensors has a class of its own for it."""
    if isinstance(error, OSError):
        return error
    match = re.search(r"(?:os error |code: )(\d+)", str(error)) if type(error).__name__ == "SafetensorError" else None
    return OSError(int(match[1]), os.strerror(int(match[1]))) if match else None


def check_room(folder: Path, size: int, what: str, advice: str) -> None:
    """Check that a folder, which need not be there, may be written and has room, before its content is computed.

    Args:
        folder: The folder.
        size: Bytes that are needed.
        what: The content, for example `features of 1000 images`.
        advice: A sentence that says what to do.

    Raises:
        OutputError: It may not be written, or has less room.
    """
    existing = next(path_or_parent for path_or_parent in (folder, *folder.parents) if os.path.lexists(path_or_parent))
    if not existing.is_dir():
        raise OutputError(f"{folder}: {existing} is no folder, so {what} cannot be kept there. {advice}")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: may not be written, so {what} cannot be kept there. {advice}")
    free = shutil.disk_usage(existing).free
    if free < size:
        raise OutputError(f"{folder}: {what} need {size / 1e6:.1f} MB, and {free / 1e6:.1f} MB are left. {advice}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
