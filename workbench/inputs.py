"""Read files from outside: regular ones of a bounded size alone, and TOML and JSON of any content.

Opening a pipe or a device can wait for ever, and reading one can have no end.
"""

import json
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from workbench.errors import WorkbenchError

MAX_TEXT_BYTES = 64 * 2**20
"""Larger cards, suites and settings are refused."""
MAX_IMAGE_BYTES = 2 * 2**30
"""Larger encoded images are refused; one of `MAX_PIXELS` with 16 bits in each channel is not."""


class IrregularFileError(OSError):
    """The path to be read is no regular file, or too large; `strerror` says which."""


def open_regular(path: str | Path, *, largest: int | None = None) -> IO[bytes]:
    """Open a regular file for reading, unbuffered; never waits for a pipe.

    Args:
        path: The file; links to a regular file are followed.
        largest: Refuse a file of more bytes.

    Raises:
        IrregularFileError: It is a pipe, a device, a socket or a folder, or too large.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise IrregularFileError(0, f"is {_kind(status.st_mode)}, not a file", str(path))
        if largest is not None and status.st_size > largest:
            raise IrregularFileError(0, f"has {status.st_size:,} bytes, more than {largest:,}", str(path))
        return os.fdopen(descriptor, "rb", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; a path that no file can have is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # Too long a name; a NUL in it.
        return False


def check_regular(path: Path) -> None:
    """Refuse a file as `open_regular` does, for a library that opens the file by its name; raises `OSError`."""
    open_regular(path).close()


def read_bytes(path: str | Path, *, largest: int = MAX_IMAGE_BYTES) -> bytes:
    """The whole content of a regular file; raises as `open_regular` does."""
    with open_regular(path, largest=largest) as file:
        return file.read()


def read_text(path: Path, kind: type[WorkbenchError] = WorkbenchError, *, largest: int = MAX_TEXT_BYTES) -> str:
    """A text file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        kind: The class of the error.
        largest: Refuse a file of more bytes.

    Raises:
        WorkbenchError: Of that kind; names the file and what is wrong with it.
    """
    try:
        return read_bytes(path, largest=largest).decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise kind(f"{path}: cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise kind(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8.") from error


def parse_toml(text: str, origin: str, kind: type[WorkbenchError] = WorkbenchError) -> dict[str, Any]:
    """TOML; raises `kind` with `origin` and the reason, also where it is nested beyond reason."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise kind(f"{origin}: not usable TOML (nested too deeply).") from error
    except ValueError as error:  # Not only TOMLDecodeError: a number of more digits than Python reads, too.
        raise kind(f"{origin}: not valid TOML ({_first_line(error)}).") from error


def parse_json(
    text: str | bytes,
    origin: str,
    kind: type[WorkbenchError] = WorkbenchError,
    *,
    hook: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:
    """JSON; raises `kind` with `origin` and the reason, also where it is nested beyond reason.

    Args:
        text: The JSON.
        origin: Where it is from, for messages.
        kind: The class of the error.
        hook: Called with each object as it is read; its answer takes the object's place.
    """
    try:
        return json.loads(text, object_hook=hook)
    except RecursionError as error:
        raise kind(f"{origin}: not usable JSON (nested too deeply).") from error
    except ValueError as error:
        raise kind(f"{origin}: not valid JSON ({_first_line(error)}).") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].partition(";")[0]


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
