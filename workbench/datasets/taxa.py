"""The taxonomy of a dataset's classes, from columns of its images and from the card."""

import json
from collections.abc import Iterable, Mapping, Sequence

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources import Record
from workbench.datasets.sources._columns import text
from workbench.errors import CardError, DataError
from workbench.metrics.hierarchy import Taxonomy
from workbench.registry import closest


def taxonomy_of(card: DatasetCard, records: Iterable[Record], classes: Mapping[str, str]) -> Taxonomy | None:
    """The taxon of each class at each rank that the card names; None where it names none.

    What the card writes of a class in `[ranks]` goes before what its images say in the columns of `columns.ranks`.

    Args:
        card: The card.
        records: Of the images.
        classes: Raw label, in class order, to name.

    Raises:
        DataError: Images of a class are of two taxa of a rank, a class is of none, or ranks are not nested.
        CardError: `[ranks]` is of what is no class.
    """
    written = card.taxa_by_rank
    ranks = tuple(dict.fromkeys((*card.columns.ranks, *written)))
    if not ranks:
        return None
    found = _of_columns(card, records, classes)
    taxa = []
    for rank in ranks:
        table = written.get(rank, {})
        stray = next((name for name in table if name not in classes and name not in classes.values()), None)
        if stray is not None:
            known = closest(stray, [*classes.values()])
            raise CardError(f"card {card.name!r}: ranks.{rank} is for {stray!r}, which is no class.{known}")
        own = {key: table.get(name) or table.get(key) or found.get((rank, key)) for key, name in classes.items()}
        lacking = [classes[key] for key, taxon in own.items() if not taxon]
        if lacking:
            raise DataError(
                f"dataset {card.name!r}: {len(lacking)} of {len(classes)} classes have no {rank} "
                f"({', '.join(lacking[:3])}); write it into [ranks.{rank}] of the card."
            )
        taxa.append(tuple(str(own[key]) for key in classes))
    _check_nested(card, ranks, taxa)
    return Taxonomy(card.columns.label or "label", ranks, tuple(taxa))


def _of_columns(
    card: DatasetCard, records: Iterable[Record], classes: Mapping[str, str]
) -> dict[tuple[str, str], str]:  # fmt: skip
    """The taxon by rank and raw label, as images say."""
    found: dict[tuple[str, str], str] = {}
    columns, available = card.columns.ranks, set[str]()
    for record in records if columns else ():
        label = record.labels[0] if record.labels else None
        row = json.loads(record.extra or "{}")
        available |= row.keys()
        for rank in columns if label in classes else ():
            taxon, own = text(row.get(rank)), (rank, str(label))
            if taxon is None:
                continue
            if found.setdefault(own, taxon) != taxon:
                raise DataError(
                    f"dataset {card.name!r}: images of {label!r} are of two taxa in column {rank!r}: {found[own]!r} "
                    f"and {taxon!r} ({record.id}). Take the column out of columns.ranks, and write [ranks.{rank}] into "
                    "the card."
                )
    absent = next((rank for rank in columns if rank not in available), None)
    if absent is not None:
        raise DataError(
            f"dataset {card.name!r}: no image has a column {absent!r}, which columns.ranks of the card names."
            f"{closest(absent, sorted(available))} Columns without another role are: "
            f"{', '.join(sorted(available)) or 'none'}."
        )
    return found


def _check_nested(card: DatasetCard, ranks: Sequence[str], taxa: Sequence[Sequence[str]]) -> None:
    for rank, above, lower, higher in zip(ranks, ranks[1:], taxa, taxa[1:], strict=False):
        parent: dict[str, str] = {}
        for taxon, own in zip(lower, higher, strict=True):
            if parent.setdefault(taxon, own) != own:
                raise DataError(
                    f"dataset {card.name!r}: {rank} {taxon!r} is of two taxa of the rank {above}: {parent[taxon]!r} "
                    f"and {own!r}. Name ranks from the lowest to the highest; or write the right taxon into "
                    f"[ranks.{above}] of the card."
                )
