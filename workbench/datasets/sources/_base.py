"""The interface of sources."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from workbench.datasets.card_sources import SourceTable
from workbench.datasets.images import decode_image

if TYPE_CHECKING:
    from PIL.Image import Image

    from workbench.datasets.card import DatasetCard
    from workbench.datasets.sources._locate import Locator


class Location(NamedTuple):
    """The location of an image's encoded bytes.

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


@dataclass(frozen=True, slots=True)
class Record:
    """One image as its source lists it; nothing is decoded.

    Attributes:
        id: The image's name for users; by default its path in the source.
        location: Location of its bytes.
        labels: Raw labels.
        unknown: Raw labels of which it is not known whether the image has them.
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
    unknown: tuple[str, ...] = ()


class Source(ABC):
    """A place that lists records and hands out their bytes. Subclass it and register it under `workbench.sources`.

    The name of the entry point is the `source.type` of cards. Sources of files start from `FileSource`, which
    reads them. An image is its bytes: their hash is what the image is known by. Whoever reads a format that
    `decode_image` does not know overrides `decode`, too.

    Attributes:
        Table: The model of the card's `[source]`.
        version: Raise it when `decode` gives other pixels for the same bytes; it is part of the key of features.
        second_images: Whether it reads `columns.second_image` of a card.
        remote: Whether to open it is to download it.
        class_names: Raw label to name where the source itself knows names; may be empty. Known after `records`.
        notes: Sentences about what lies there and is not read; known after `records`.
        revision: The revision that was read, where the source has revisions; known after `records`. It is set to read
            another.
        root: Folder, or name of a place, below which the data lie. What is cached is kept apart by it.
    """

    Table: ClassVar[type[SourceTable]]
    version: ClassVar[str] = "1"
    second_images: ClassVar[bool] = False
    remote: ClassVar[bool] = False
    class_names: Mapping[str, str] = {}
    notes: Sequence[str] = ()
    revision: str | None = None
    root: Path | str = ""

    @classmethod
    @abstractmethod
    def open(cls, card: "DatasetCard", place: "Locator") -> "Source":
        """The source that a card names; its table, `card.source`, is a `Table`.

        Args:
            card: The card.
            place: Finds the files that the table names.

        Raises:
            DataError: The data is not where the card says.
        """

    @abstractmethod
    def records(self) -> Sequence[Record]:
        """Everything the source lists."""

    @abstractmethod
    def read(self, location: Location) -> bytes:
        """The image's bytes at a location; safe to call from several threads.

        Raises:
            DataError: They cannot be read.
        """

    @abstractmethod
    def state(self, files: Sequence[str]) -> str:
        """A digest that changes when any file of the source may have changed, from names, sizes and times alone.

        Args:
            files: The files that the records lie in.
        """

    def stamp(self, file: str) -> tuple[int, int]:  # noqa: ARG002
        """(size, mtime_ns) of a file, or (-1, -1) where the source has no files."""
        return (-1, -1)

    def decode(self, data: bytes, location: Location) -> "Image":  # noqa: ARG002
        """An image's pixels from its bytes alone; safe to call from several threads.

        An exception makes this image unreadable, with the reason, and stops no other.

        Args:
            data: The bytes from `read`.
            location: Their location; a file's name may show its format.

        Returns:
            Any mode that converts to RGB.
        """
        return decode_image(data)

    def size(self, data: bytes, location: Location) -> tuple[int, int] | None:  # noqa: ARG002
        """Width and height that an own `decode` will give, from the header alone; None where only decoding tells.

        Large images wait for one another by it, so that memory does not grow with the number of threads. Without it an
        image counts as if each of its bytes were a pixel.
        """
        return None

    @classmethod
    def downloads(cls, table: SourceTable) -> bool:  # noqa: ARG003
        """Whether to open what a table names is to download it."""
        return cls.remote

    def text_file(self, name: str) -> str | None:  # noqa: ARG002
        """A text that lies with the data, such as `classnames.txt`; None where there is none of that name.

        Raises:
            DataError: It cannot be read.
        """
        return None

    @classmethod
    def rendering(cls, table: SourceTable) -> Mapping[str, object]:
        """Settings, besides the bytes, that an own `decode` depends on, as JSON values; part of the key of features.

        These are all keys of the table but `type`, `path` and `root`. Override it where others, too, only say which
        images there are: less is computed anew then when they change.
        """
        return table.model_dump(mode="json", exclude={"type", "path", "root"})
