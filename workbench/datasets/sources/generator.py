"""Generated datasets: made once, checked, and then read as a folder."""

import hashlib
import json
from functools import partial
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import GeneratorSource
from workbench.datasets.generators import generator_of
from workbench.errors import DataError
from workbench.folders import make_once


def generated(card: DatasetCard, cache: Path) -> Path:
    """The folder with a card's generated files; generates them if they are not there.

    Several processes may ask at once: one generates, the others wait. A generator that dies leaves nothing that could
    be taken for its output; files that were changed since are made anew, and that is logged.

    Raises:
        DataError: The generator is not installed, fails, or its output does not have the card's checksum.
    """
    source = card.source
    assert isinstance(source, GeneratorSource)
    pins = [source.call, source.version, source.options, source.sha256]
    key = hashlib.sha256(json.dumps(pins, sort_keys=True).encode()).hexdigest()
    folder = cache / "generated" / f"{source.folder or card.name}-{key[:12]}"
    try:
        make_once(folder, partial(_generate, card, source))
    except OSError as error:
        raise DataError(
            f"dataset {card.name!r} cannot be generated: {error.filename or folder}: {error.strerror or error} "
            "(WORKBENCH_CACHE names the cache)."
        ) from error
    return folder


def _generate(card: DatasetCard, source: GeneratorSource, work: Path) -> None:
    generate = generator_of(card)
    try:
        generate(work, **source.options)
    except (OSError, DataError):
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"dataset {card.name!r}: generator {source.call!r} failed ({reason}).") from error
    checksum = content_checksum(work)
    if source.sha256 is not None and checksum != source.sha256:
        raise DataError(
            f"dataset {card.name!r}: the generated files have checksum {checksum}, the card says {source.sha256}; "
            "another version of a package that the generator uses can do this."
        )


def content_checksum(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder, hidden ones left out."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
