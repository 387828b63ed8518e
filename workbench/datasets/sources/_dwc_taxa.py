"""The taxon of an observation: its ranks as columns, whatever the download calls them."""

import re
from collections.abc import Collection, Mapping
from functools import cache

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
"""The main ranks, the highest first."""
KEPT = (
    *RANKS, "scientificName", "vernacularName", "taxonRank", "gbifID", "occurrenceID", "eventDate", "countryCode",
    "basisOfRecord", "lifeStage", "sex", "license", "rightsHolder", "identifier",
)  # fmt: skip
"""Columns that stay with an image, whether the card names them or not; where it was seen is not among them."""

USED = (
    "specificEpithet",
    "occurrenceStatus",
    "catalogNumber",
    "associatedMedia",
    "accessURI",
    "type",
    "format",
    "photo_id",
)
"""Columns that are read besides."""
_BY_LOWER = {name.lower(): name for name in (*KEPT, *USED)} | {
    "scientific_name": "scientificName", "common_name": "vernacularName", "observed_on": "eventDate",
    "image_url": "associatedMedia", "observation_uuid": "occurrenceID", "image_license": "license",
}  # fmt: skip
_RANK_COLUMN = re.compile(r"taxon_(\w+)_name$")
_OF_SPECIES = {"species", "subspecies", "variety", "varietas", "form", "forma", "hybrid"}
_EPITHET = re.compile(r"[a-zà-öø-ÿ-]{2,}$")
_CROSS = {"×", "x"}


@cache
def column_name(term: str) -> str:
    """Darwin Core's name of a column, or its rank: `taxon_order_name` of iNaturalist is `order`."""
    lower = term.lower()
    rank = _RANK_COLUMN.match(lower)
    return rank[1] if rank else _BY_LOWER.get(lower, term)


def has_species(columns: Collection[str]) -> bool:
    """Whether the species of rows with such columns is known, or can be put together."""
    return "species" in columns or "scientificName" in columns or {"genus", "specificEpithet"} <= set(columns)


def with_species(row: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """A row with its genus and species, and whether the species was put together from other columns.

    Darwin Core itself has no column for the species: it is the genus with the specific epithet, else the first two
    words of the scientific name, with the cross of a hybrid, where that is of a species or of what is below it.
    """
    taxon = dict(row)
    if "species" in taxon:
        return taxon, False
    genus, epithet = taxon.get("genus"), taxon.get("specificEpithet")
    species = f"{genus} {epithet}" if genus and epithet else _binomial(row)
    if species is None:
        return taxon, False
    taxon["species"] = species
    taxon.setdefault("genus", species.split()[0])
    return taxon, True


def _binomial(row: Mapping[str, str]) -> str | None:
    words = row.get("scientificName", "").split()
    rank = row.get("taxonRank", "").lower()
    if len(words) < 2 or (rank and rank not in _OF_SPECIES):
        return None
    length = 3 if words[1].lower() in _CROSS and len(words) > 2 else 2
    # `Quercus sect. Lobatae` and `Quercus L.` are no species.
    return " ".join(words[:length]) if _EPITHET.match(words[length - 1].removeprefix("×")) else None
