"""What every source offers the manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Location(NamedTuple):
    """Where an image's encoded bytes lie.

    Attributes:
        file: Path relative to the source's root, with forward slashes.
        row: Row in a table file, or -1.
        offset: First byte, or -1 for the whole file.
        length: Number of bytes, or -1.
    """

    file: str
    row: int = -1
    offset: int = -1
    length: int = -1


@dataclass(frozen=True)
class Record:
    """One image as its source lists it; nothing is decoded.

    Attributes:
        id: What users call the image; by default its path in the source.
        location: Where its bytes are.
        labels: Raw labels.
        split: The source's name of its split, or None; in a manifest, our name.
        group: Patient, specimen, scene, or None.
        captions: Sentences about it.
        extra: Columns to which the card gives no role, as JSON text, which may be long and is rarely read; or "".
    """

    id: str
    location: Location
    labels: tuple[str, ...] = ()
    split: str | None = None
    group: str | None = None
    captions: tuple[str, ...] = ()
    extra: str = ""


class Source(Protocol):
    """A place that lists records and hands out encoded bytes."""

    class_names: Mapping[str, str]
    """Raw label to name where the source itself knows names; may be empty. Known after `records`."""

    revision: str | None
    """The revision that was read, where the source has revisions; known after `records`. Set it to read another."""

    def state(self, files: Sequence[str]) -> str:
        """A digest that changes when any file of the source may have changed, from names, sizes and times alone.

        Args:
            files: The files that the records lie in.
        """
        ...

    def stamp(self, file: str) -> tuple[int, int]:
        """(size, mtime_ns) of a file, or (-1, -1) where the source has no files."""
        ...

    def records(self) -> list[Record]:
        """Everything the source lists."""
        ...

    def read(self, location: Location) -> bytes:
        """The encoded bytes at a location; safe to call from several threads."""
        ...
