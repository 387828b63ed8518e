"""What every source offers the manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from workbench.datasets.card import DatasetCard
from workbench.errors import DataError
from workbench.registry import closest

_SPLIT_ALIASES = {
    "training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test",
}  # fmt: skip


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
    """One image as its source lists it; nothing is decoded."""

    id: str
    location: Location
    labels: tuple[str, ...] = ()
    split: str | None = None
    group: str | None = None
    captions: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A place that lists records and hands out encoded bytes."""

    class_names: Mapping[str, str]
    """Raw label to name where the source itself knows names; may be empty."""

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


def make_record(
    card: DatasetCard, origin: str, row: Mapping[str, Any], location: Location, split: str | None
) -> Record:
    """Turn one row of a table into a record, by the card's column names.

    Args:
        card: Names the columns.
        origin: The table, for messages.
        row: Column to value.
        location: Where the image lies.
        split: The split that the row's place implies; a split column wins.
    """
    columns = card.columns
    named = {name for name in (columns.label, columns.caption, columns.group, columns.split, columns.id) if name}
    missing = next((name for name in sorted(named) if name not in row), None)
    if missing is not None:
        known = closest(missing, row) or f" Columns there: {', '.join(row)}."
        raise DataError(f"{origin}: no column {missing!r}, which the card of {card.name!r} names.{known}")
    raw_split = str(row[columns.split]) if columns.split and row[columns.split] not in {None, ""} else split
    return Record(
        id=str(row[columns.id]) if columns.id else location.file + (f"#{location.row}" if location.row >= 0 else ""),
        location=location,
        labels=_labels(card, row[columns.label]) if columns.label else (),
        split=_split(card, raw_split),
        group=str(row[columns.group]) if columns.group and row[columns.group] not in {None, ""} else None,
        captions=_texts(row[columns.caption]) if columns.caption else (),
        extra={key: value for key, value in row.items() if key not in named and key != columns.image},
    )


def _labels(card: DatasetCard, value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    if card.multi_label:
        return tuple(part.strip() for part in str(value).split(card.label_separator) if part.strip())
    return (str(value),)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)


def _split(card: DatasetCard, raw: str | None) -> str | None:
    """Our name of the source's split; None leaves the row out."""
    if raw is None:
        return "train"
    for name in ("train", "val", "test"):
        if getattr(card.splits, name) == raw:
            return name
    alias = _SPLIT_ALIASES.get(raw.lower())
    return alias if alias and getattr(card.splits, alias) == alias else None
