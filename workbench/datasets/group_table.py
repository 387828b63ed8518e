"""Groups from a table of their own, such as `workbench check --group-duplicates` writes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from workbench.datasets.sources import Record, RecordColumns
from workbench.datasets.sources._columns import text
from workbench.datasets.sources._rows import read_rows
from workbench.datasets.walking import some
from workbench.errors import DataError
from workbench.texts import spreadsheet

GROUP_TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl")
_KEYS = {"id", "group"}


@dataclass(frozen=True)
class GroupTable:
    """A table of images and groups.

    Attributes:
        name: The file as the card names it.
        groups: Image id, as a table holds it, to group.
    """

    name: str
    groups: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """Hex digest of what it says."""
        return hashlib.sha256(json.dumps(sorted(self.groups.items())).encode()).hexdigest()

    def applied(self, records: Sequence[Record], dataset: str) -> tuple[Sequence[Record], list[str]]:
        """Records with the table's groups in place of their own, and a sentence about images that are not there.

        Args:
            records: With unique ids.
            dataset: The dataset's name, for messages.

        Raises:
            DataError: The table names none of the images.
        """
        ids = {_key(record.id) for record in records}
        strangers = [name for name in self.groups if name not in ids]
        if records and len(strangers) == len(self.groups):
            raise DataError(
                f"dataset {dataset!r}: {self.name} names none of its {len(records)} images; its column id must hold "
                f"ids as `workbench check` prints them, such as {records[0].id!r}, and holds {strangers[:1]}."
            )
        notes = []
        if strangers:
            count = "1 row" if len(strangers) == 1 else f"{len(strangers)} rows"
            notes = [f"{count} of {self.name} name no image of this dataset, such as {some(strangers[:1])}."]
        grouped = RecordColumns(replace(record, group=self.groups.get(_key(record.id))) for record in records)
        return grouped, notes


def read_group_table(path: Path, name: str) -> GroupTable:
    """The table in a file with the columns `id` and `group`; an empty group is none.

    Args:
        path: A .csv, .tsv or .jsonl file.
        name: As the card names it.

    Raises:
        DataError: It cannot be read, lacks a column, or gives an image two groups.
    """
    if path.suffix.lower() not in GROUP_TABLE_SUFFIXES:
        raise DataError(f"{path}: splits.groups names a table; expected {', '.join(GROUP_TABLE_SUFFIXES)}.")
    groups: dict[str, str] = {}
    for number, row in read_rows(path):
        if not row.keys() >= _KEYS:
            raise DataError(f"{path}, line {number}: expected the columns id and group; there are: {', '.join(row)}.")
        image, group = text(row["id"]), text(row["group"])
        if image is None or group is None:
            continue
        first = groups.setdefault(_key(image), group)
        if first != group:
            raise DataError(f"{path}, line {number}: {image!r} has two groups, {first!r} and {group!r}.")
    return GroupTable(name, groups)


def _key(image: str) -> str:
    """An id as tables hold it, whatever program wrote them."""
    return spreadsheet(text(image) or image)
