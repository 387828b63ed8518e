"""Build a folder in the cache once, whoever asks first."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from workbench.errors import ModelError
from workbench.folders import make_once


def build_once(cache: Path, name: str, pins: str, write: Callable[[Path, Path], None]) -> Path:
    """The folder that `write` fills; built on first use, by one process, and anew where it is damaged.

    Args:
        cache: The workbench's cache.
        name: The model's, in front of the folder's own.
        pins: Everything that determines the content.
        write: Fills a working folder (first argument) that will be moved to its place (second).

    Raises:
        ModelError: `write` raised it, or the cache cannot be written.
    """
    target = cache / "models" / f"{name}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"
    try:
        make_once(target, lambda work: write(work, target))
    except OSError as error:
        raise ModelError(
            f"{name}: its checkpoint could not be written to {target} ({error.strerror or error}); free space "
            "there, or set WORKBENCH_CACHE to another folder."
        ) from error
    return target
