"""Small downloads of biodiversity data: observations of four species with two photos each."""

import zipfile
from pathlib import Path

from PIL import Image

TAXA = (
    ("Plantae", "Fagales", "Fagaceae", "Quercus", "robur", "L."),
    ("Plantae", "Fagales", "Fagaceae", "Quercus", "petraea", "(Matt.) Liebl."),
    ("Plantae", "Rosales", "Rosaceae", "Rosa", "canina", "L."),
    ("Animalia", "Araneae", "Salticidae", "Salticus", "scenicus", "(Clerck, 1757)"),
)
SPECIES = tuple(f"{taxon[3]} {taxon[4]}" for taxon in TAXA)
DWC = "http://rs.tdwg.org/dwc/terms/"
META = """<?xml version='1.0' encoding='utf-8'?>
<archive xmlns="http://rs.tdwg.org/dwc/text/" metadata="metadata.xml">
  <core encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{dwc}Occurrence">
    <files><location>occurrence.txt</location></files>
    <id index="0" />
    {core}
  </core>
  <extension encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="{dwc}Occurrence">
    <files><location>verbatim.txt</location></files>
    <coreid index="0" />
    <field index="1" term="{dwc}genus"/>
  </extension>
  <extension encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1" rowType="http://rs.gbif.org/terms/1.0/Multimedia">
    <files><location>multimedia.txt</location></files>
    <coreid index="0" />
    {media}
  </extension>
</archive>
"""  # noqa: E501 - as GBIF writes it


def photo(path: Path, seed: int) -> None:
    """A small picture, another for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (16, 16), (5 * seed % 256, 60, 37 * seed % 256))
    image.save(path)


def address(number: int) -> str:
    """Where iNaturalist keeps a photo."""
    return f"https://inaturalist-open-data.s3.amazonaws.com/photos/{number}/original.jpg"


def observations(count: int = 24) -> list[dict[str, str]]:
    """Rows as GBIF interprets them; observation i is of species i % 4."""
    rows = []
    for i in range(count):
        kingdom, order, family, genus, epithet, author = TAXA[i % 4]
        rows.append(
            {
                "gbifID": str(4000 + i), "occurrenceID": f"https://www.inaturalist.org/observations/{9000 + i}",
                "kingdom": kingdom, "order": order, "family": family, "genus": genus, "species": f"{genus} {epithet}",
                "scientificName": f"{genus} {epithet} {author}", "taxonRank": "SPECIES", "occurrenceStatus": "PRESENT",
                "recordedBy": 'Ann "Bee" Seer', "decimalLatitude": "51.2",
            }
        )  # fmt: skip
    return rows


def photos(count: int = 24) -> list[dict[str, str]]:
    """Two photos of each observation, numbered from 70000."""
    kind = {"type": "StillImage", "format": "image/jpeg", "license": "CC BY 4.0"}
    return [
        {"gbifID": str(4000 + i), "identifier": address(70000 + 2 * i + k), **kind}
        for i in range(count)
        for k in range(2)
    ]


def tabbed(rows: list[dict[str, str]]) -> str:
    """A table as GBIF writes it: tabs, no quotes."""
    columns = list(rows[0])
    return "\n".join("\t".join(line) for line in [columns, *([row[c] for c in columns] for row in rows)]) + "\n"


def archive(
    core: list[dict[str, str]] | None = None, media: list[dict[str, str]] | None = None, meta: str | None = None
) -> dict[str, str]:
    """Members of an archive as GBIF makes it."""
    core, media = core or observations(), media if media is not None else photos()
    media = media or [{"gbifID": "0", "type": "", "format": "", "identifier": "", "license": ""}]
    terms = [f'<field index="{i}" term="{DWC}{name}"/>' for i, name in enumerate(core[0])]
    of_media = [f'<field index="{i}" term="http://purl.org/dc/terms/{name}"/>' for i, name in enumerate(media[0]) if i]
    return {
        "meta.xml": meta or META.format(dwc=DWC, core="\n    ".join(terms), media="\n    ".join(of_media)),
        "occurrence.txt": tabbed(core),
        "multimedia.txt": tabbed(media),
        "verbatim.txt": "gbifID\tgenus\n",
        "citations.txt": "as you like",
        "dataset/1.xml": "<eml/>",
    }


def packed(path: Path, members: dict[str, str]) -> Path:
    """Write a zip archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def unpacked(folder: Path, members: dict[str, str]) -> Path:
    """Write the folder that an archive unpacks to."""
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder
