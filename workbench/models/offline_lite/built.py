"""Build a folder in the cache once, whoever asks first."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.errors import ModelError


def build_once(cache: Path, name: str, pins: str, marker: str, write: Callable[[Path, Path], None]) -> Path:
    """The folder of what `write` makes; built on first use, by one process, and moved into place in one step.

    Args:
        cache: The workbench's cache.
        name: The model's, in front of the folder's own.
        pins: Everything that determines the content.
        marker: A file of the folder; the folder is complete where it is.
        write: Fills a working folder (first argument) that will be moved to its place (second).

    Raises:
        ModelError: `write` raised it, or the cache cannot be written.
    """
    from filelock import FileLock

    target = cache / "models" / f"{name}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"
    if (target / marker).is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not (target / marker).is_file():
                _build(target, write)
    except OSError as error:
        raise ModelError(
            f"{name}: its checkpoint could not be written to {target} ({error.strerror or error}); free space "
            "there, or set WORKBENCH_CACHE to another folder."
        ) from error
    return target


def _build(target: Path, write: Callable[[Path, Path], None]) -> None:
    """Write everything beside the target, then move it there in one step."""
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        write(work, target)
        work.chmod(0o755)
        for path in work.rglob("*"):  # Temporary folders are private; a shared cache must be readable.
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(target, ignore_errors=True)
        work.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
