"""Files of the workbench: they appear whole or not at all, and their checksums show damage."""

import contextlib
import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

TEMPORARY = ".tmp"
"""Suffix of half-written files, whose names begin with a dot."""
CORRUPT = ".corrupt"
"""Suffix of damaged files that were moved aside."""
_MAGIC = b"workbench-sealed-1 "
_HEAD = len(_MAGIC) + 32 + 1
_log = logging.getLogger(__name__)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that other processes see whole or not at all, and that survives a crash once this returns.

    Its permissions follow the umask, so that a cache can be shared.

    Args:
        path: Its folder is made if needed; an existing file is replaced.
        data: The content.

    Raises:
        OSError: No space, no permission, or a failing disk; nothing is left behind.
    """
    with written_atomically(path) as file:
        file.write(data)


@contextlib.contextmanager
def written_atomically(path: Path) -> Iterator[IO[bytes]]:
    """As `write_atomically`, for content that is written in pieces; it appears at the end of the block."""
    temporary = path.parent / f".{uuid.uuid4().hex}{TEMPORARY}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_sealed(path: Path, content: bytes) -> None:
    """Write `content` behind a line with its checksum, as `write_atomically` does."""
    write_atomically(path, sealed(content))


def sealed(content: bytes) -> bytes:
    """`content` behind a line with its checksum."""
    return _MAGIC + checksum(content).encode() + b"\n" + content


def unsealed(data: bytes) -> bytes | None:
    """The content of `sealed`; None where it is damaged."""
    return data[_HEAD:] if _is_intact(data) else None


def read_sealed(path: Path) -> bytes | None:
    """The content of a file of `write_sealed`; None where there is none.

    A damaged file is moved aside (its name ends in `.corrupt` then), and that is logged as a warning.

    Raises:
        OSError: The file is there, but cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    content = unsealed(data)
    if content is None:
        set_aside(path)
    return content


def is_sealed_intact(path: Path) -> bool:
    """Whether a file of `write_sealed` is what was written; nothing is moved."""
    try:
        return _is_intact(path.read_bytes())
    except OSError:
        return False


def _is_intact(data: bytes) -> bool:
    return data[: len(_MAGIC)] == _MAGIC and data[len(_MAGIC) : _HEAD] == checksum(data[_HEAD:]).encode() + b"\n"


def set_aside(path: Path) -> None:
    """Move a damaged file or folder aside, so that it is made anew and can still be examined."""
    aside = path.with_name(path.name + CORRUPT)
    if aside.is_dir():
        shutil.rmtree(aside, ignore_errors=True)
    with contextlib.suppress(OSError):  # Gone already, or a cache that may only be read: then it is passed over.
        path.replace(aside)
    _log.warning("%s is damaged; it was moved aside and is made anew.", path)


def checksum(data: bytes | memoryview) -> str:
    """XXH3-128 in hexadecimal digits: it finds damage as surely as a cryptographic hash, ten times as fast."""
    from xxhash import xxh3_128_hexdigest

    return xxh3_128_hexdigest(data)


def checksum_of_file(path: Path) -> str:
    """`checksum` of a file's content, however large it is.

    Raises:
        OSError: It cannot be read.
    """
    from xxhash import xxh3_128

    digest = xxh3_128()
    with path.open("rb", buffering=0) as file:
        buffer = memoryview(bytearray(1 << 20))
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; only POSIX lets a folder be opened for that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
