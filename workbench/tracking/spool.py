"""Runs that the store did not take: kept below the runs folder, each as one folder, until they are sent.

`RUNS/spool/STARTED-KEY-NUMBER/` holds `record.json` with the checksum of each of the `artifacts/`, and `checksum`, the
one of `record.json`. `state.json` holds the last failure. The folder is written aside and renamed, so that it is
there whole or not at all.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workbench.locks import locked
from workbench.outputs import reason
from workbench.tracking._copying import copy_files
from workbench.tracking.faults import SpoolError
from workbench.tracking.record import RunRecord
from workbench.tracking.results import RunResult

DAMAGED = "damaged"
_RECORD, _CHECKSUM, _STATE, _ARTIFACTS = "record.json", "checksum", "state.json", "artifacts"
_ASIDE = ".writing-"
_STALE_SECONDS = 86400.0


class DamagedEntryError(Exception):
    """An entry whose bytes are not those that were written."""


@dataclass(frozen=True)
class SpoolEntry:
    """A run in the spool.

    Attributes:
        folder: Its folder.
        server: The store that it is for, see `server_of`.
        record: The run.
        problem: Why it could not be sent the last time, where the store refused it; empty if that may pass by itself.
    """

    folder: Path
    server: str
    record: RunRecord
    problem: str = ""

    @property
    def artifacts(self) -> Path:
        """The folder of its artifacts."""
        return self.folder / _ARTIFACTS

    @property
    def id(self) -> str:
        """Its unique id; its run in the store has it as a tag until it is complete there."""
        return self.folder.name

    def as_result(self) -> RunResult:
        """The run as it is read, under the store's id or, where it has none, the entry's own."""
        return self.record.as_result(self.record.run_id or self.id, self.artifacts.as_uri())


class Spool:
    """The spool of a runs folder.

    Args:
        folder: `RUNS/spool`; made when something is put there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, record: RunRecord, artifacts: Path | None, server: str, problem: str = "") -> SpoolEntry:
        """Keep a run.

        Args:
            record: The run.
            artifacts: Folder whose files are copied; None if it has none.
            server: The store that it is for.
            problem: Why only a person can help, for example that its files are too large.

        Raises:
            SpoolError: It cannot be written; nothing is left behind.
        """
        number = uuid.uuid4().hex
        folder = self.folder / f"{record.started}-{record.key[:12] or 'run'}-{number[:8]}"
        aside = self.folder / f"{_ASIDE}{number}"
        try:
            (aside / _ARTIFACTS).mkdir(parents=True)
            if artifacts is not None:
                copy_files(artifacts, aside / _ARTIFACTS)
            content = {"server": server, "record": record.to_json(), "files": _checksums(aside / _ARTIFACTS)}
            text = json.dumps(content, indent=1, ensure_ascii=False).encode()
            _write(aside / _RECORD, text)
            _write(aside / _CHECKSUM, hashlib.sha256(text).hexdigest().encode())
            if problem:
                _write(aside / _STATE, json.dumps({"problem": problem}).encode())
            aside.rename(folder)
        except OSError as error:
            size = sum(path.stat().st_size for path in artifacts.rglob("*") if path.is_file()) if artifacts else 0
            raise SpoolError(_sentence(self.folder, record.name, size, error)) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return SpoolEntry(folder, server, record, problem)

    def entries(self, server: str) -> list[SpoolEntry]:
        """The entries for a store, the oldest first, without those that cannot be read (see `check`)."""
        entries = []
        for folder in self._folders():
            with contextlib.suppress(DamagedEntryError):
                entry = _read(folder)
                if entry.server == server:
                    entries.append(entry)
        return sorted(entries, key=lambda entry: entry.record.started)

    def others(self, server: str) -> int:
        """How many are kept for other stores."""
        count = 0
        for folder in self._folders():
            with contextlib.suppress(DamagedEntryError):
                count += _read(folder).server != server
        return count

    def set_damaged_aside(self) -> list[tuple[Path, str]]:
        """Move damaged entries to `damaged/`; their new paths with the damage."""
        moved = []
        for folder in self._folders():
            try:
                _read(folder, whole=True)
            except DamagedEntryError as error:
                aside = self.folder / DAMAGED / folder.name
                with contextlib.suppress(OSError):  # A spool that may only be read: it is named all the same.
                    aside.parent.mkdir(exist_ok=True)
                    folder.rename(aside)
                moved.append((aside if aside.exists() else folder, str(error)))
        return moved

    def remove_stale(self) -> None:
        """Delete what killed processes left half-written a day ago or earlier."""
        for path in self.folder.glob(f"{_ASIDE}*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(path)

    def note(self, entry: SpoolEntry, problem: str) -> None:
        """Keep why an entry could not be sent; where that cannot be written it is found out again the next time."""
        with contextlib.suppress(OSError):
            aside = entry.folder / f"{_ASIDE}{uuid.uuid4().hex}"
            aside.write_text(json.dumps({"problem": problem}), encoding="utf-8")
            aside.replace(entry.folder / _STATE)

    def remove(self, entry: SpoolEntry) -> None:
        """Let go of an entry that is in the store; raises `OSError` where it may not be removed."""
        gone = self.folder / f"{_ASIDE}{uuid.uuid4().hex}"
        entry.folder.rename(gone)  # In one step: half an entry would be called damaged.
        shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether this process alone sends the spool until the end of the block."""
        from filelock import Timeout

        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder / ".lock", timeout=0))
            except (Timeout, OSError):  # Or a spool of somebody else, which may only be read.
                yield False
                return
            yield True

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(
            path for path in self.folder.iterdir()
            if path.is_dir() and path.name != DAMAGED and not path.name.startswith(".")
        )  # fmt: skip


def server_of(uri: str) -> str:
    """A tracking URI without who asks: scheme, host, port and path."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _read(folder: Path, *, whole: bool = False) -> SpoolEntry:
    """An entry; `whole` also verifies the checksums of its artifacts."""
    try:
        text = (folder / _RECORD).read_bytes()
        if hashlib.sha256(text).hexdigest() != (folder / _CHECKSUM).read_text(encoding="utf-8"):
            raise DamagedEntryError(f"{_RECORD} is not as it was written")
        content = json.loads(text)
        entry = SpoolEntry(folder, content["server"], RunRecord.from_json(content["record"]), _problem(folder))
        if whole:
            checksums = _checksums(entry.artifacts)
            for name in sorted(checksums.keys() | content["files"].keys()):
                if checksums.get(name) != content["files"].get(name):
                    raise DamagedEntryError(f"{_ARTIFACTS}/{name} is not as it was written")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DamagedEntryError(f"it cannot be read ({error})") from error
    return entry


def _problem(folder: Path) -> str:
    try:
        state: Any = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        return str(state["problem"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _checksums(folder: Path) -> dict[str, str]:
    checksums = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                checksums[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return checksums


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sentence(folder: Path, name: str, size: int, error: OSError) -> str:
    return (
        f"{folder}: {reason(error, size)}. Nor did the store take the run {name}. WORKBENCH_RUNS names the "
        "folder; what was finished before is kept, and the same command goes on from here."
    )
