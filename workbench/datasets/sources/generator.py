"""Generated datasets: made once, checked, and then read as a folder."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import GeneratorSource
from workbench.datasets.generators import generator_of
from workbench.errors import DataError

_DONE = ".generated"


def generated(card: DatasetCard, cache: Path) -> Path:
    """The folder with a card's generated files; generates them if they are not there.

    Several processes may ask at once: one generates, the others wait. A generator that dies leaves nothing that could
    be taken for its output.

    Raises:
        DataError: The generator is not installed, fails, or its output does not have the card's checksum.
    """
    source = card.source
    assert isinstance(source, GeneratorSource)
    key = hashlib.sha256(json.dumps([source.call, source.version, source.options], sort_keys=True).encode()).hexdigest()
    folder = cache / "generated" / f"{source.folder or card.name}-{key[:12]}"
    if _is_made(folder, source):
        return folder
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not _is_made(folder, source):
                _generate(card, source, folder)
    except OSError as error:
        raise DataError(
            f"dataset {card.name!r} cannot be generated: {error.filename or folder}: {error.strerror or error} "
            "(WORKBENCH_CACHE names the cache)."
        ) from error
    return folder


def _is_made(folder: Path, source: GeneratorSource) -> bool:
    done = folder / _DONE
    return done.is_file() and source.sha256 in {None, done.read_text(encoding="utf-8")}


def _generate(card: DatasetCard, source: GeneratorSource, folder: Path) -> None:
    generate = generator_of(card)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
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
        (work / _DONE).write_text(checksum, encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(work, folder)  # noqa: PTH105 - the atomic step, named as such
    finally:
        shutil.rmtree(work, ignore_errors=True)


def content_checksum(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder, hidden ones left out."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
