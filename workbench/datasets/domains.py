"""Domains of images: the hospital, scanner, site, season or camera that they are from; splits by domain."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import BoolArray
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_corruptions import CLEAN
from workbench.datasets.roles import ROLES
from workbench.datasets.sources import Record, RecordColumns
from workbench.datasets.sources._columns import text
from workbench.errors import DataError
from workbench.formatting import counted
from workbench.registry import closest

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset

CORRUPTION = "corruption"
"""Key of the domain among a record's further columns, where it is a corruption; see `[corruptions]` of the card."""
_SHOWN = 10


def domain_reader(card: DatasetCard) -> Callable[[Record], str | None] | None:
    """What gives an image's domain, by column, by its name or by its corruption; None where a card has no domains."""
    column, pattern = card.columns.domain, card.splits.domain_pattern
    if card.corruptions.kinds:
        return lambda record: text(json.loads(record.extra or "{}").get(CORRUPTION)) or CLEAN
    if pattern is not None:
        search = re.compile(pattern).search

        def by_name(record: Record) -> str | None:
            match = search(record.id)
            parts = [part or "" for part in match.groups()] if match else []
            return "/".join(parts) if any(parts) else None

        return by_name
    if column is None:
        return None

    def by_column(record: Record) -> str | None:
        return text(json.loads(record.extra or "{}").get(column))

    return by_column


def with_target_domains(card: DatasetCard, records: Sequence[Record]) -> tuple[Sequence[Record], list[str]]:
    """With `splits.by = "domain"`: images of the target domains are test, those of all others train or validation.

    Images of other domains that the source has in its test split are left out, but with `splits.in_domain_test`, and so
    are images without a domain.

    Args:
        card: The card.
        records: With our splits.

    Returns:
        The records, and sentences about what became of them.

    Raises:
        DataError: No image has a domain, a target is none of them, or nothing is left to train on.
    """
    read, target = domain_reader(card), set(card.splits.target)
    if card.splits.by != "domain" or read is None:
        return records, []
    domains = [read(record) for record in records]
    known = sorted({domain for domain in domains if domain is not None})
    _check_targets(card, known, records)
    kept = RecordColumns()
    lost = {"of no domain": 0, "in the test split of another domain": 0}
    counts = {"test": 0, "other": 0}
    for record, domain in zip(records, domains, strict=True):
        if domain is None:
            lost["of no domain"] += 1
        elif domain in target:
            kept.append(replace(record, split="test"))
            counts["test"] += 1
        elif record.split == "test" and not card.splits.in_domain_test:
            lost["in the test split of another domain"] += 1
        else:
            kept.append(record)
            counts["other"] += 1
    if not counts["other"]:
        raise DataError(
            f"dataset {card.name!r}: all images with a domain are of the target {', '.join(sorted(target))}, so that "
            "none is left to train on; name fewer in splits.target of the card."
        )
    others = [domain for domain in known if domain not in target]
    named = f"the domain {_listed(sorted(target))} ({counted(counts['test'], 'image')})"
    rest = f"{_listed(others)} ({counted(counts['other'], 'image')})"
    if card.splits.in_domain_test:
        notes = [f"Test is {named}, and the test images of the other domains; all else is of {rest}."]
    else:
        notes = [f"Test is {named}; train and validation are {rest}."]
    notes += [f"{counted(count, 'image')} {what} are left out." for what, count in lost.items() if count]
    return kept, notes


def in_target_domains(card: DatasetCard, records: Sequence[Record]) -> BoolArray:
    """Whether each record is of a target domain, bool (n,)."""
    read = domain_reader(card)
    target = card.splits.target if read is not None else ()
    return np.array([bool(target) and read is not None and read(record) in target for record in records], np.bool_)


def count_domains(dataset: "Dataset") -> dict[str, dict[str, int]]:
    """Number of images of each domain by split, the domains in order; empty where the card names none."""
    counts: dict[str, dict[str, int]] = {}
    for split in ROLES:
        for domain in dataset.domains(dataset.rows(split)) or ():
            if domain is not None:
                counts.setdefault(domain, dict.fromkeys(ROLES, 0))[split] += 1
    return dict(sorted(counts.items()))


def lacking_classes(dataset: "Dataset") -> dict[str, tuple[str, ...]]:
    """The classes of which a domain has no image in any split; domains that have all are left out."""
    rows = dataset.rows("all")
    labels, domains = dataset.labels(rows), dataset.domains(rows) or [None] * len(rows)
    has = labels == 1 if labels.ndim == 2 else labels[:, None] == np.arange(len(dataset.class_names))
    lacks: dict[str, tuple[str, ...]] = {}
    for domain in sorted({name for name in domains if name is not None}):
        inside = np.array([name == domain for name in domains])
        missing = np.flatnonzero(~has[inside].any(axis=0))
        if len(missing):
            lacks[domain] = tuple(dataset.class_names[i] for i in missing)
    return lacks


def _check_targets(card: DatasetCard, known: Sequence[str], records: Sequence[Record]) -> None:
    key = "splits.domain_pattern" if card.splits.domain_pattern is not None else "columns.domain"
    if not known:
        columns = sorted({column for record in records[:100] for column in json.loads(record.extra or "{}")})
        there = f" Columns without another role are: {', '.join(columns) or 'none'}." if key == "columns.domain" else ""
        raise DataError(f"dataset {card.name!r}: no image has a domain by {key} of the card.{there}")
    stray = next((name for name in card.splits.target if name not in known), None)
    if stray is not None:
        raise DataError(
            f"dataset {card.name!r}: splits.target names {stray!r}, which is no domain.{closest(stray, known)} "
            f"There are: {_listed(known)}."
        )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
