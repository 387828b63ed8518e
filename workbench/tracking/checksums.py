"""Checksums of a run's artifacts, in the format of `sha256sum -c`."""

import hashlib
from pathlib import Path

from workbench.errors import WorkbenchError

CHECKSUMS = "checksums.sha256"


def write_checksums(folder: Path) -> None:
    """List every file below `folder` with its SHA-256."""
    lines = [f"{_digest(path)}  {name}\n" for name, path in _files(folder)]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def check_artifact(path: Path, name: str, checksums: Path) -> None:
    """Verify an artifact's recorded checksums.

    Args:
        path: A file, or a folder with all that is below it.
        name: The artifact's name in its run.
        checksums: The run's list; runs of earlier versions have none, and nothing is checked then.

    Raises:
        WorkbenchError: A file differs from its checksum, or is missing.
    """
    try:
        lines = checksums.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{checksums}: cannot be read ({error}).") from error
    recorded = {file_name: digest for digest, _, file_name in (line.partition("  ") for line in lines)}
    expected = {file_name for file_name in recorded if file_name == name or file_name.startswith(f"{name}/")}
    files = {f"{name}/{below}": file for below, file in _files(path)} if path.is_dir() else {name: path}
    for file_name in sorted(expected | files.keys()):
        if file_name not in files or recorded.get(file_name) != _digest(files[file_name]):
            raise WorkbenchError(
                f"{files.get(file_name, path)}: is damaged: it is not what the run has recorded in {CHECKSUMS}. "
                "Make the run anew (workbench run ... --fresh), or put the file back."
            )


def _files(folder: Path) -> list[tuple[str, Path]]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [(path.relative_to(folder).as_posix(), path) for path in files if path.name != CHECKSUMS]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error}).") from error
