"""Turn a row of any table into a record, by the card's column names."""

import ast
import json
import math
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources._base import Location, Record
from workbench.errors import DataError
from workbench.registry import closest
from workbench.texts import shown

# What a column is called where the card does not say.
_USUAL = {
    "image": ("image", "file_name"),
    "label": ("label",),
    "caption": ("caption", "text"),
    "group": ("group",),
    "split": ("split",),
    "id": (),
}


class RowReader:
    """Reads the rows of one table.

    Args:
        card: Names the columns.
        available: The columns that the table has.
        origin: The table, for messages.
        usual: Roles whose column is taken by its usual name where the card names none; by default those of the card's
            task.

    Attributes:
        image: The images' column.
        label: The labels' column, or None.
        notes: Sentences about columns that look as if they were meant and are not read.

    Raises:
        DataError: A column that the card names is not there; the message says what is.
    """

    def __init__(
        self, card: DatasetCard, available: Collection[str], origin: str, *, usual: Collection[str] | None = None
    ) -> None:
        self._card = card
        self._origin = origin
        if usual is None:
            usual = card.usual_columns
        names = {role: self._resolve(role, available, role in usual) for role in _USUAL}
        if card.columns.observation in available and not _names_groups(card):
            names["group"] = card.columns.observation
        self.image = names["image"] or card.columns.image
        self.label = names["label"]
        self._names = names
        # Items are read from what is left, and one column may serve both: a pair can be the group, too.
        of_items = {getattr(card.columns, name) for name in (*card.columns.of_items, "domain", "observation", "region")}
        self._used = {name for name in names.values() if name is not None and name not in of_items}
        # Notes are recorded with runs, and of the machine's paths nothing is.
        table = Path(origin).name if Path(origin).is_absolute() else origin
        self.notes = [
            f"{table}: column {column!r} is not read; columns.{role} of a card names it."
            for role in ("label", "group", "split")
            for column in available
            if names[role] is None and _plain(column) == role
        ]

    def _resolve(self, role: str, available: Collection[str], usual: bool) -> str | None:
        name: str | None = getattr(self._card.columns, role)
        if name in available:
            return name
        alike = [column for column in available if name is not None and _plain(column) == _plain(name)]
        if len(alike) == 1:
            return alike[0]
        if name is not None and role in self._card.columns.model_fields_set:
            raise DataError(
                f"{self._origin}: no column {name!r}, which columns.{role} of the card {self._card.name!r} names."
                f"{closest(name, available)} There are: {', '.join(available)}."
            )
        by_name = {_plain(column): column for column in reversed(list(available))}
        usual_name = next((by_name[column] for column in _USUAL[role] if usual and column in by_name), None)
        if role == "image" and usual_name is None:
            raise DataError(
                f"{self._origin}: no column 'image' or 'file_name'; say in columns.image of the card "
                f"{self._card.name!r} which it is. There are: {', '.join(available)}."
            )
        return usual_name

    def record(self, row: Mapping[str, Any], location: Location, split: str | None, where: str) -> Record:
        """One record.

        Args:
            row: Column to value; a missing one counts as empty.
            location: Location of the image's bytes.
            split: The source's split that the row's place implies; a split column wins.
            where: The row, for messages (`line 7`).
        """
        others = {key: value for key, value in row.items() if key not in self._used and not _holds_bytes(value)}
        cells = {role: row.get(name) if name else None for role, name in self._names.items()}
        return Record(
            id=text(cells["id"]) or location.file + (f"#{location.row}" if location.row >= 0 else ""),
            location=location,
            labels=self._labels(cells["label"], where),
            split=text(cells["split"]) or split,
            group=text(cells["group"]),
            captions=self._texts(cells["caption"], self._names["caption"], where),
            extra=_as_json(others) if others else "",
        )

    def _labels(self, value: Any, where: str) -> tuple[str, ...]:
        if self._card.labels.multi_hot:
            return self._of_indicators(_as_list(value), where)
        if self._card.multi_label and isinstance(value, str) and not _is_list(value):
            value = value.split(self._card.label_separator)
        labels = self._texts(value, self.label, where)
        if self._card.multi_label:
            return labels
        if len(labels) > 1:
            raise DataError(
                f"{self._origin}, {where}: {len(labels)} labels ({', '.join(labels[:3])}, ...) where the card "
                f"{self._card.name!r} promises one; set multi_label = true if several are right."
            )
        return labels

    def _of_indicators(self, value: Any, where: str) -> tuple[str, ...]:
        """The classes that a list of 0 and 1 names."""
        keys = tuple(self._card.classes)
        items = list(value) if isinstance(value, list | tuple) else []
        if len(items) != len(keys) or any(item not in (0, 1) for item in items):
            raise DataError(
                f"{self._origin}, {where}: column {self.label!r} holds {shown(repr(value), 80)}; labels.multi_hot of "
                f"the card promises a list of {len(keys)} numbers, 0 or 1, one for each of [classes]."
            )
        return tuple(key for key, item in zip(keys, items, strict=True) if item)

    def _texts(self, value: Any, column: str | None, where: str) -> tuple[str, ...]:
        """The texts of a cell, which may be a list, also one that is written as text."""
        value = _as_list(value)
        items = value if isinstance(value, list | tuple) else (value,)
        wrong = next((item for item in items if isinstance(item, Mapping | list | tuple)), None)
        if wrong is not None:
            raise DataError(
                f"{self._origin}, {where}: column {column!r} holds {_kind(wrong)}; it must be text, or a list of "
                "texts. Write what is meant into a column of its own."
            )
        return tuple(item for item in map(text, items) if item is not None)


def _names_groups(card: DatasetCard) -> bool:
    return any(name is not None for name in (card.columns.group, card.splits.group_pattern, card.splits.groups))


def _plain(name: str) -> str:
    return name.strip().casefold()


def _is_list(value: str) -> bool:
    return value.strip().startswith("[") and value.strip().endswith("]")


def _as_list(value: Any) -> Any:
    """A list or object that is written as text, in JSON or as Python prints it, as what it is; else the value."""
    stripped = value.strip() if isinstance(value, str) else ""
    if not stripped.startswith(("[", "{")) or not stripped.endswith(("]", "}")):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(stripped)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list | tuple | Mapping):
            return found
    return value


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, Mapping) else "a list in a list"


def text(value: Any) -> str | None:
    """A cell as text: stripped, NFC, `true` and `false`, whole numbers without a point; None where it is empty."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    stripped = str(value).strip()
    if not stripped.isascii():
        # The same name typed on two systems may be composed differently; half of a surrogate pair is no character.
        stripped = unicodedata.normalize("NFC", stripped).encode(errors="replace").decode()
    return stripped or None


def _as_json(values: Mapping[str, Any]) -> str:
    written = json.dumps(values, default=str, ensure_ascii=False, sort_keys=True)
    try:
        written.encode()
    except UnicodeEncodeError:  # JSON may hold half of a surrogate pair, which no file in UTF-8 can.
        return json.dumps(values, default=str, sort_keys=True)
    return written


def _holds_bytes(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, Mapping) and any(map(_holds_bytes, value.values())))
