"""What a download of biodiversity data holds: a Darwin Core Archive, packed or not, or a table of GBIF or iNaturalist.

Darwin Core text guide: https://dwc.tdwg.org/text/. Formats of GBIF: https://techdocs.gbif.org/en/data-use/download-formats.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from workbench.datasets.sources._dwc_tables import UNREADABLE, DwcTable, Place, first_line
from workbench.datasets.walking import is_image_name, suffix_of, unread_types
from workbench.errors import DataError
from workbench.formatting import counted
from workbench.inputs import MAX_TEXT_BYTES

_META = "meta.xml"
_TABLES = {".csv", ".tsv", ".txt"}
_MEDIA = {"Multimedia", "Image", "Document"}
"""What rows of media are called by GBIF, Audubon Core and the Encyclopedia of Life."""
_IDS = ("gbifid", "id", "occurrenceid", "observation_uuid", "uuid")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r"}


@dataclass(frozen=True)
class Download:
    """Tables of one download.

    Attributes:
        core: Rows with a taxon each.
        media: Rows with a photo each, that belong to rows of the core.
        files: The files that are read.
        known: Further files, of which the notes tell.
        notes: Sentences about what it holds and is not read.
    """

    core: DwcTable
    media: tuple[DwcTable, ...]
    files: tuple[Path, ...]
    known: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def open_download(path: Path) -> Download:
    """The tables of a download.

    Args:
        path: A zip archive, the folder that it unpacks to, or one table.

    Raises:
        DataError: It holds no table, or its description cannot be used.
    """
    if path.is_dir():
        names = {child.name: Place(child) for child in sorted(path.iterdir()) if child.is_file()}
    elif zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                names = {info.filename: Place(path, info.filename) for info in archive.infolist() if not info.is_dir()}
        except UNREADABLE as error:
            raise DataError(f"{path}: is no zip archive that can be read ({error}).") from error
    else:
        names = {}
        return Download(_plain_table(Place(path)), (), (path,))
    meta = next((name for name in sorted(names, key=len) if name.rpartition("/")[2].lower() == _META), None)
    if meta is not None:
        return _described(path, names, meta)
    tables = [name for name in names if suffix_of(name) in _TABLES and not name.rpartition("/")[2].startswith(".")]
    known = [name for name in tables if _is_observations(names[name])]
    if len(known) != 1:
        found = f"it holds {', '.join(list(names)[:5]) or 'nothing'}"
        if known:
            found = f"these could be meant: {', '.join(known)}. Name one of them in source.path"
        raise DataError(
            f"{path}: has no meta.xml, as a Darwin Core Archive has it, and not one table with an id and a taxon: "
            f"{found}."
        )
    place = names[known[0]]
    notes = _unread(path, [name for name in names if name != known[0]])
    return Download(_plain_table(place), (), (place.path,), notes=notes)


def _described(path: Path, names: Mapping[str, Place], meta: str) -> Download:
    """An archive by its meta.xml."""
    folder = meta.rpartition("/")[0]
    root = _parsed(names[meta])
    tables = {tag: list(_tables(root, tag, names, folder, path)) for tag in ("core", "extension")}
    if len(tables["core"]) != 1:
        raise DataError(f"{names[meta]}: describes {len(tables['core'])} cores; a Darwin Core Archive has one.")
    core, media = tables["core"][0], [table for table in tables["extension"] if table.kind in _MEDIA]
    read = [core, *media]
    places = [place for table in read for place in table.places]
    others = [table for table in tables["extension"] if table.kind not in _MEDIA]
    notes = [f"{path.name}: not read: {table.name}, rows of {table.kind}." for table in others]
    known = {meta, *(place.member or place.path.name for table in (*read, *others) for place in table.places)}
    files = dict.fromkeys([names[meta].path, *(place.path for place in places)])
    left = _unread(path, [name for name in names if name not in known])
    told = tuple(place.path for table in others for place in table.places)
    return Download(core, tuple(media), tuple(files), told, (*notes, *left))


def _unread(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Of a packed archive; a folder is looked through where its images are."""
    if path.is_dir():
        return ()
    images = [name for name in names if is_image_name(name)]
    notes = [
        f"{path.name}: {note[:1].lower()}{note[1:]}" for note in unread_types([n for n in names if n not in images])
    ]
    if images:
        notes.append(f"{path.name}: not read: {counted(len(images), 'image')} in the archive. Unpack it.")
    return tuple(notes)


def _parsed(place: Place) -> ElementTree.Element:
    """The root of an XML document that declares no entities, which could fill the memory."""

    def refuse(*_: object) -> NoReturn:
        raise DataError(f"{place}: declares a document type, which a meta.xml has no use for, and is not read.")

    try:
        with place.open() as file:
            data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise DataError(f"{place}: has more than {MAX_TEXT_BYTES:,} bytes.")
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = refuse
        parser.Parse(data, True)
        return ElementTree.fromstring(data)  # noqa: S314 - nothing but elements is left
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{place}: is no XML that can be read ({error}).") from error
    except UNREADABLE as error:
        raise DataError(f"{place}: cannot be read ({getattr(error, 'strerror', None) or error}).") from error


def _tables(
    root: ElementTree.Element, tag: str, names: Mapping[str, Place], folder: str, path: Path
) -> Iterator[DwcTable]:
    for element in root:
        if _local(element.tag) != tag:
            continue
        found = {kind: [own for own in element.iter() if _local(own.tag) == kind] for kind in ("location", "field")}
        locations = [f"{folder}/{own.text.strip()}".lstrip("/") for own in found["location"] if own.text]
        lacking = next((name for name in locations if name not in names), None)
        if lacking is not None or not locations:
            raise DataError(f"{path}: meta.xml describes {lacking or 'a table without a file'}, which is not there.")
        ids = [own for own in element if _local(own.tag).lower() in {"id", "coreid"}]
        indexed = [(own, _number(own.get("index"))) for own in found["field"]]
        yield DwcTable(
            places=tuple(names[name] for name in locations),
            columns={i: _term(own) for own, i in indexed if i is not None},
            constants={_term(own): own.get("default") or "" for own, i in indexed if i is None and own.get("default")},
            defaults={
                _term(own): own.get("default") or "" for own, i in indexed if i is not None and own.get("default")
            },
            id_column=next((i for own in ids if (i := _number(own.get("index"))) is not None), None),
            kind=_local(element.get("rowType", "Occurrence")),
            delimiter=_character(element.get("fieldsTerminatedBy"), ","),
            quote=_character(element.get("fieldsEnclosedBy"), '"' if "fieldsEnclosedBy" not in element.attrib else ""),
            encoding=_encoding(element.get("encoding")),
            header_lines=_number(element.get("ignoreHeaderLines")) or 0,
        )


def _plain_table(place: Place) -> DwcTable:
    """A table by its heading; those of GBIF are separated by tabs and quote nothing."""
    heading = first_line(place)
    delimiter = max("\t,;", key=heading.count)
    names = [plain_term(name) for name in heading.split(delimiter)]
    lower = [name.lower() for name in names]
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise DataError(f"{place}: the header names column {twice!r} {names.count(twice)} times; rename one of them.")
    if not any(term in lower for term in _IDS) and "scientificname" not in lower and "scientific_name" not in lower:
        raise DataError(
            f"{place}: is no table of Darwin Core, GBIF or iNaturalist: it has no column gbifID, id, occurrenceID or "
            f"scientificName. There are: {', '.join(names[:10])}."
        )
    return DwcTable(
        places=(place,),
        columns=dict(enumerate(names)),
        constants={},
        defaults={},
        id_column=next((lower.index(term) for term in _IDS if term in lower), None),
        delimiter=delimiter,
        quote="" if delimiter == "\t" and "gbifid" in lower else '"',
        encoding="utf-8-sig",
        header_lines=1,
    )


def _is_observations(place: Place) -> bool:
    try:
        _plain_table(place)
    except DataError:
        return False
    return True


def plain_term(name: str) -> str:
    """A column's name without quotes and the prefix of its vocabulary (`dwc:genus`)."""
    return name.strip().strip('"').rpartition(":")[2].strip()


def _term(element: ElementTree.Element) -> str:
    return _local(element.get("term", "")).rpartition(":")[2]


def _local(name: str) -> str:
    """The last part of a term's or an element's name."""
    return name.rpartition("}")[2].rpartition("#")[2].rstrip("/").rpartition("/")[2]


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() and len(text) < 6 else None


def _character(text: str | None, default: str) -> str:
    said = _ESCAPES.get(text or "", text or "")
    return said[:1] if said else default


def _encoding(name: str | None) -> str:
    plain = (name or "utf-8").strip().lower()
    return "utf-8-sig" if plain.replace("-", "") == "utf8" else plain
