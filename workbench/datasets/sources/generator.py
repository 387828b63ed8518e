"""Generated datasets: made once, checked, and then read as a folder."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_sources import SourceTable
from workbench.datasets.generators import generator_called
from workbench.datasets.sources._locate import Locator
from workbench.datasets.sources.folder import FolderReader
from workbench.errors import DataError
from workbench.folders import make_once


class GeneratorTable(SourceTable):
    """A function that writes a folder source, called once and cached.

    Attributes:
        call: Name of a generator that an installed package registers; see `workbench.datasets.generators`. Cards of
            finished runs may hold `package.module:function`, which is read, and never called.
        version: Part of the cache key; raise it when the output changes.
        sha256: Checksum over the generated files' contents, verified after generation where given.
        folder: Name that cards share whose files are the same; the card's own name if None.
    """

    type: Literal["generator"]
    call: str = Field(min_length=1)
    version: int = 1
    options: dict[str, int | float | str | bool] = Field(default_factory=dict)
    sha256: str | None = None
    folder: str | None = None


class GeneratorReader(FolderReader):
    """Reads what a generator wrote, after it has been called where that is missing."""

    Table: ClassVar[type[SourceTable]] = GeneratorTable

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> Self:
        """See `Source.open`."""
        return cls(card, generated(card, place.cache).resolve())


def generated(card: DatasetCard, cache: Path) -> Path:
    """The folder with a card's generated files; generates them if they are not there.

    Several processes may ask at once: one generates, the others wait. A generator that dies leaves nothing that could
    be taken for its output; files that were changed since are made anew, and that is logged.

    Raises:
        DataError: The generator is not installed, fails, or its output does not have the card's checksum.
    """
    source = card.source
    assert isinstance(source, GeneratorTable)
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


def _generate(card: DatasetCard, source: GeneratorTable, work: Path) -> None:
    generate = generator_called(source.call, card.name)
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
