"""Rows of a download of observations as records: each with its photos, its taxon, and the observation as a group."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources._base import Location, Record
from workbench.datasets.sources._columns import RowReader
from workbench.datasets.sources._dwc_archive import Download
from workbench.datasets.sources._dwc_media import LocalImages, Photo
from workbench.datasets.sources._dwc_tables import DwcTable
from workbench.datasets.sources._dwc_taxa import KEPT, RANKS, USED, column_name, has_species, with_species
from workbench.datasets.sources._unread import Unread
from workbench.formatting import counted
from workbench.texts import shown

LABEL = "species"
_UNKNOWN = "photo of an observation that it does not list", "photos of observations that it does not list"
_SEVERAL = (
    "photo of several observations that say different things",
    "photos of several observations that say different things",
)
_STILL = {"", "stillimage", "image", "photo", "photograph"}
_IDS = ("gbifID", "occurrenceID", "catalogNumber")
Row = dict[str, str]


class Observations:
    """The observations of one download.

    Args:
        card: Names the columns.
        download: The tables.
        local: The photos that are there.

    Attributes:
        files: The photos that belong to an observation, read or not; known after `records`.
    """

    def __init__(self, card: DatasetCard, download: Download, local: LocalImages) -> None:
        if card.columns.label is None and "label" in card.usual_columns:
            card = card.model_copy(update={"columns": card.columns.model_copy(update={"label": LABEL})})
        self._card, self._download, self._local = card, download, local
        self._unread = Unread(download.core.name)
        available = self._available()
        # Where no column names files, they are found by other columns, and stand in one of their own.
        self._addresses = {"associatedMedia", *({card.columns.image} & set(available))}
        self._reader = RowReader(card, [*available, *({"image"} - set(available))], download.core.name)
        named = (own for own in card.columns.model_dump(exclude_none=True).values() if isinstance(own, str))
        several = (*card.columns.labels, *card.columns.subgroups, *card.columns.ranks)
        languages = (column for language in card.languages.values() for column in language.columns.values())
        self._kept = {str(name).casefold() for name in (*KEPT, *named, *several, *languages)}
        self._needed = self._kept | {name.casefold() for name in USED}
        self._lacking = 0  # Photos that are named and not there.
        self._first_lacking = ""
        self._counts: Counter[str] = Counter()
        self.files: set[str] = set()

    def records(self) -> list[Record]:
        """A record for each photo that is there."""
        photos, expected = self._photos()
        unseen = dict.fromkeys(expected)
        rows: dict[str, Row] = {}
        claims: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        for own, row in self._rows():
            unseen.pop(own, None)
            if row.get("occurrenceStatus", "").lower() == "absent":
                self._unread.add("observation of absence", "observations of absence", own)
                expected.pop(own, None)
                continue
            self._counts["observations"] += 1
            found = [(file, (0, 0)) for file in photos.get(own, ())]
            for order, name in enumerate(_ids(own, row), 1):
                found += [(file, (order, -len(name))) for file in self._local.of_id(name)]
            for file, strength in found:
                claims[file][own] = min(strength, claims[file].get(own, strength))
            if found:
                rows[own] = row
            elif own not in expected:
                self._counts["without a photo"] += 1
        self.files = set(claims)
        for own in unseen:
            for _ in range(expected.pop(own)[0]):
                self._unread.add(*_UNKNOWN, own)
        taken = Counter[str]()
        records = list(self._claimed(claims, rows, taken))
        for own, (count, address) in expected.items():
            lacking = max(0, count - taken[own])
            self._lacking += lacking
            self._first_lacking = self._first_lacking or (address if lacking else "")
            self._counts["photos"] += count
        return records

    def notes(self, root: Path) -> list[str]:
        """Sentences about what was joined and what is not read."""
        counts, core = self._counts, self._download.core
        notes = [*self._download.notes, *self._unread.notes(), *self._reader.notes]
        if self._lacking:
            verb = "is" if self._lacking == 1 else "are"
            notes.append(
                f"{counted(self._lacking, 'photo')} of {counts['photos']} that the tables name {verb} not in "
                f"{root.name} (the first: {shown(self._first_lacking, 120)}). Nothing is downloaded here: put them "
                "there, each called by the number of the photo, the last part of its address, or its observation's id "
                "and a number (4011_1.jpg)."
            )
        if counts["without a photo"]:
            of_all = counted(counts["observations"], "observation")
            notes.append(f"{counts['without a photo']} of {of_all} of {core.name} have no photo.")
        if counts["put together"]:
            notes.append(
                f"The species of {counted(counts['put together'], 'photo')} is put together from the genus and the "
                "epithet, or taken from the scientific name."
            )
        if counts["grouped"]:
            notes.append("Photos of one observation are a group.")
        return notes

    def _available(self) -> list[str]:
        """The columns that a card may name, ranks first."""
        tables = (self._download.core, *self._download.media)
        columns = dict.fromkeys(column_name(term) for table in tables for term in table.terms)
        if has_species(columns):
            columns |= dict.fromkeys(("genus", "species"))
        return [*(rank for rank in RANKS if rank in columns), *(name for name in columns if name and name not in RANKS)]

    def _rows(self) -> Iterator[tuple[str, Row]]:
        for own, row in self._download.core.rows(self._terms(self._download.core), self._unread):
            yield own, {column_name(term): value for term, value in row.items()}

    def _terms(self, table: DwcTable) -> set[str]:
        return {term for term in table.terms if column_name(term).casefold() in self._needed}

    def _photos(self) -> tuple[dict[str, list[str]], dict[str, tuple[int, str]]]:
        """By observation: the files that its photos are, and how many it names, with the first of them not found."""
        self._local.count_names(self._named_photos(None))
        files: dict[str, list[str]] = defaultdict(list)
        expected: dict[str, tuple[int, str]] = {}
        for photo in self._named_photos(self._unread):
            count, lacking = expected.get(photo.core, (0, ""))
            file = self._local.of_photo(photo)
            if file is not None:
                files[photo.core].append(file)
            else:
                lacking = lacking or photo.address
            expected[photo.core] = count + 1, lacking
        return files, expected

    def _named_photos(self, unread: Unread | None) -> Iterator[Photo]:
        for table in self._download.media:
            for core, row in table.rows(self._terms(table), unread):
                named = {column_name(term): value for term, value in row.items()}
                kind = named.get("type", "").rpartition("/")[2].lower()
                if kind not in _STILL and not named.get("format", "").lower().startswith("image/"):
                    if unread is not None:
                        unread.add(f"medium of the type {named['type']}", f"media of the type {named['type']}", core)
                    continue
                address = named.get("accessURI") or named.get("identifier", "")
                ids = (named.get("catalogNumber", ""), named.get("identifier", ""), named.get("photo_id", ""))
                yield Photo(core, address, ids)
        terms = [term for term in self._download.core.terms if column_name(term) in self._addresses]
        for core, row in self._download.core.rows(terms) if terms else ():
            said = "|".join(row[term] for term in terms if term in row)
            for address in (part.strip() for part in said.replace(";", "|").split("|")):
                if address:
                    yield Photo(core, address, ())

    def _claimed(
        self, claims: Mapping[str, Mapping[str, tuple[int, int]]], rows: Mapping[str, Row], taken: Counter[str]
    ) -> Iterator[Record]:
        """A record for each file, of the observation that claims it most surely; `taken` counts them by observation."""
        for file, by_row in claims.items():
            best = min(by_row.values())
            owners = [own for own, strength in by_row.items() if strength == best]
            made = [self._record(file, own, rows[own]) for own in owners]
            taken.update(owners)
            if len({(record.labels, record.captions) for record, _ in made}) > 1:
                self._unread.add(*_SEVERAL, file)
                continue
            record, put_together = made[0]
            if self._reader.label is not None and not record.labels and self._card.labels_are_truth:
                column = self._reader.label
                self._unread.add(f"photo without a {column}", f"photos without a {column}", file)
                continue
            self._counts["put together"] += put_together and self._reader.label in {"species", "genus"}
            yield record

    def _record(self, file: str, own: str, row: Row) -> tuple[Record, bool]:
        taxon, put_together = with_species(row)
        kept = {name: value for name, value in taxon.items() if name.casefold() in self._kept}
        record = self._reader.record({**kept, self._reader.image: file}, Location(file), None, f"observation {own}")
        if record.group is None and self._card.columns.group is None:
            self._counts["grouped"] += 1
            record = replace(record, group=own)
        return record, put_together


def _ids(own: str, row: Row) -> list[str]:
    """Ids that files may be named by: the core's, GBIF's, the occurrence's and the last part of it, the catalogue's."""
    ids = [own, *(row[name] for name in _IDS if name in row)]
    if (occurrence := row.get("occurrenceID")) is not None:
        ids.insert(3, occurrence.replace(":", "/").rstrip("/").rpartition("/")[2])
    return [name for name in dict.fromkeys(ids) if name and not name.startswith("row ")]
