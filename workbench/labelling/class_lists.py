"""Lists of classes: names, common names and descriptions, and a checklist to restrict them to."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.datasets.sources._rows import read_columns, read_rows
from workbench.errors import DataError
from workbench.inputs import read_text
from workbench.registry import closest
from workbench.texts import shown

NAME_COLUMNS = ("name", "label", "class", "species", "scientificname", "scientific_name", "canonicalname")
"""Columns of names, in lower case; the first that is there is taken. Darwin Core's are among them."""
COMMON_COLUMNS = ("common_name", "common_names", "vernacularname", "vernacular_name", "english_name")
DESCRIPTION_COLUMNS = ("description", "descriptions", "text")
_SEPARATOR = re.compile(r"\s*[;|]\s*")


@dataclass
class ClassEntry:
    """One class.

    Attributes:
        name: What it is called in answers.
        common_names: Further names, which count as the name does.
        descriptions: Sentences about it.
    """

    name: str
    common_names: list[str] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ClassList:
    """Classes in their order.

    Attributes:
        entries: The classes.
        notes: Sentences about names that count for nothing.
    """

    entries: tuple[ClassEntry, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(entry.name for entry in self.entries)

    def sentences(self, templates: Sequence[str]) -> list[list[str]]:
        """Sentences of each class: each of its names in each template, and its descriptions.

        Args:
            templates: Each holds `{}` for the name.
        """
        return [
            [
                *(template.replace("{}", name) for name in (entry.name, *entry.common_names) for template in templates),
                *entry.descriptions,
            ]
            for entry in self.entries
        ]

    def restricted(self, names: Sequence[str]) -> "ClassList":
        """The classes of a checklist; names are the same where they differ in capitals and spaces alone.

        Raises:
            DataError: Fewer than two names of the checklist are classes.
        """
        wanted = {_plain(name): name for name in names}
        known = {_plain(name) for entry in self.entries for name in (entry.name, *entry.common_names)}
        kept = tuple(
            entry
            for entry in self.entries
            if wanted.keys() & {_plain(name) for name in (entry.name, *entry.common_names)}
        )
        stray = [name for plain, name in wanted.items() if plain not in known]
        if len(kept) < 2:
            hint = closest(stray[0], [entry.name for entry in self.entries]) if stray else ""
            raise DataError(f"the checklist leaves {len(kept)} of {len(self.entries)} classes; two are needed.{hint}")
        notes = [f"{len(stray)} of {len(wanted)} names of the checklist are no class: {_some(stray)}."] if stray else []
        return ClassList(kept, (*self.notes, *notes))


def read_class_list(path: Path) -> ClassList:
    """Read classes from a text file with a name a line, or from a .csv, .tsv or .jsonl table.

    A table has a column `name` (or `label`, `species`, `scientificName`), and may have `common_name` (several separated
    by `;`) and `description`. Rows of one name belong to one class. A table of one column needs no header of that name.

    Raises:
        DataError: There is no such file, no column of names, or fewer than two names.
    """
    entries: dict[str, ClassEntry] = {}
    repeated = 0
    for name, common, description in _rows(path):
        if not name:
            continue
        repeated += name in entries and not common and not description
        entry = entries.setdefault(name, ClassEntry(name))
        entry.common_names += [other for other in common if other != name and other not in entry.common_names]
        entry.descriptions += [text for text in description if text not in entry.descriptions]
    if len(entries) < 2:
        raise DataError(f"{path}: has {len(entries)} names of classes; two are needed.")
    notes = (f"{repeated} names of {path.name} are there twice.",) if repeated else ()
    return ClassList(tuple(entries.values()), notes)


def read_names(path: Path) -> list[str]:
    """The names of a checklist, in any format of `read_class_list`.

    Raises:
        DataError: There is no such file, no column of names, or no name.
    """
    names = list(dict.fromkeys(name for name, _, _ in _rows(path) if name))
    if not names:
        raise DataError(f"{path}: has no name.")
    return names


def _rows(path: Path) -> list[tuple[str, list[str], list[str]]]:
    if path.suffix.lower() not in {".csv", ".tsv", ".jsonl", ".ndjson"}:
        return [(_clean(line), [], []) for line in read_text(path, DataError).splitlines()]
    columns = read_columns(path)
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    name_of, common, description = (
        next((by_name[name] for name in names if name in by_name), None)
        for names in (NAME_COLUMNS, COMMON_COLUMNS, DESCRIPTION_COLUMNS)
    )
    if name_of is None and len(columns) == 1:
        # A list without a header: its first name stands where the header would.
        name_of = columns[0]
        first = [] if path.suffix.lower() in {".jsonl", ".ndjson"} else [(_clean(name_of), list[str](), list[str]())]
        return [*first, *((_clean(row.get(name_of)), [], []) for _, row in read_rows(path))]
    if name_of is None:
        raise DataError(
            f"{shown(str(path), 200)}: no column of names ({', '.join(NAME_COLUMNS[:4])}); there are: "
            f"{', '.join(columns) or 'none'}."
        )
    return [
        (
            _clean(row.get(name_of)),
            [text for text in _SEPARATOR.split(_clean(row.get(common))) if text] if common else [],
            [text for text in [_clean(row.get(description))] if text] if description else [],
        )
        for _, row in read_rows(path)
    ]


def _clean(value: object) -> str:
    return " ".join(unicodedata.normalize("NFC", str(value if value is not None else "")).split())


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
