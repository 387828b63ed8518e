"""Labels of a source to those of the dataset: columns of findings, classes that are joined or left out."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_labels import UNCERTAIN, LabelTable
from workbench.datasets.sources import Record, RecordColumns
from workbench.errors import DataError
from workbench.registry import closest
from workbench.texts import shown


def with_labels(card: DatasetCard, records: Sequence[Record]) -> tuple[Sequence[Record], list[str]]:
    """Records with the labels that the card makes of theirs, without the images that it leaves out.

    Args:
        card: Names columns of findings in `columns.labels`, and says in `[labels]` what becomes of labels.
        records: The source's records.

    Returns:
        The records, and sentences about what was counted as what and left out.

    Raises:
        DataError: A column or label is not there, a cell is no finding, or the card does not say what an uncertain
            finding counts as.
    """
    if not card.columns.labels and card.labels == LabelTable():
        return records, []
    counts: Counter[str] = Counter()
    read = RecordColumns(_read(card, records, counts)) if card.columns.labels else records
    _refuse_unknown(card, read)
    rules = card.labels
    becomes = {label: new for new, merged in rules.merge.items() for label in merged}

    def renamed(labels: Sequence[str]) -> tuple[str, ...]:
        kept = (label for label in labels if label not in (*rules.drop, *rules.exclude))
        return tuple(dict.fromkeys(becomes.get(label, label) for label in kept))

    kept = RecordColumns()
    for record in read:
        if set(record.labels) & set(rules.exclude):
            counts["exclude"] += 1
            continue
        counts["drop"] += bool(set(record.labels) & set(rules.drop))
        labels = renamed(record.labels)
        # One positive of several that are merged decides.
        unknown = tuple(label for label in renamed(record.unknown) if label not in labels)
        kept.append(replace(record, labels=labels, unknown=unknown))
    if not kept:
        raise DataError(f"dataset {card.name!r}: [labels] of the card leaves no image.")
    return kept, list(_notes(card, counts))


def _read(card: DatasetCard, records: Sequence[Record], counts: Counter[str]) -> Iterator[Record]:
    """Records with the findings of their columns as labels."""
    columns = card.columns.labels
    available = list(dict.fromkeys(key for record in records for key in json.loads(record.extra or "{}")))
    lacking = next((column for column in columns if column not in available), None)
    if lacking is not None:
        raise DataError(
            f"dataset {card.name!r}: no column {lacking!r}, which columns.labels of the card names."
            f"{closest(lacking, available)} There are: {', '.join(available) or 'none'}."
        )
    for record in records:
        row = json.loads(record.extra or "{}")
        findings = {column: _finding(row.pop(column, None)) for column in columns}
        counted = {column: _counted(card, record, column, own) for column, own in findings.items()}
        if "leave-out" in counted.values():
            counts["left out"] += 1
            continue
        if all(counts_as == "ignore" for counts_as in counted.values()):
            counts["nothing known"] += 1
            continue
        counts.update(own for own in findings.values() if own in {"uncertain", "missing"})
        labels, unknown = (
            tuple(column for column, counts_as in counted.items() if counts_as == wanted)
            for wanted in ("positive", "ignore")
        )
        extra = json.dumps(row, ensure_ascii=False, sort_keys=True) if row else ""
        yield replace(record, labels=labels, unknown=unknown, extra=extra)


def _finding(cell: Any) -> str:
    """`positive`, `negative`, `uncertain`, `missing`, or, where it is none of them, the cell itself behind a `?`."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)) or not str(cell).strip():
        return "missing"
    if isinstance(cell, bool):
        return "positive" if cell else "negative"
    try:
        known = {1.0: "positive", 0.0: "negative", -1.0: "uncertain"}.get(float(cell))
    except (TypeError, ValueError):
        known = {"true": "positive", "false": "negative"}.get(str(cell).strip().lower())
    return known or f"?{cell}"


def _counted(card: DatasetCard, record: Record, column: str, finding: str) -> str:
    """What a finding counts as: `positive`, `negative`, `ignore` or `leave-out`."""
    if finding in {"positive", "negative"}:
        return finding
    where = f"dataset {card.name!r}: {record.id}: column {column!r}"
    if finding.startswith("?"):
        raise DataError(f"{where} holds {shown(repr(finding[1:]), 80)}; a finding is 1, 0, -1 (uncertain) or empty.")
    if finding == "missing":
        return card.labels.missing
    if card.labels.uncertain is None:
        choices = " or ".join(map(repr, UNCERTAIN))
        raise DataError(
            f"{where} is uncertain (-1); say in [labels] of the card what that counts as: uncertain = {choices}."
        )
    return card.labels.uncertain


def _refuse_unknown(card: DatasetCard, records: Sequence[Record]) -> None:
    rules = card.labels
    known = {*card.columns.labels, *(label for record in records for label in record.labels)}
    named = {
        "exclude": rules.exclude,
        "drop": rules.drop,
        "merge": tuple(label for merged in rules.merge.values() for label in merged),
    }
    for key, labels in named.items():
        stray = next((label for label in labels if label not in known), None)
        if stray is not None:
            raise DataError(
                f"dataset {card.name!r}: labels.{key} of the card names {stray!r}, which no image has."
                f"{closest(stray, known)}"
            )


def _notes(card: DatasetCard, counts: Counter[str]) -> Iterator[str]:
    rules = card.labels
    if counts["left out"]:
        yield f"{counts['left out']} images with a finding that is uncertain or missing are left out, as [labels] says."
    if counts["nothing known"]:
        yield f"{counts['nothing known']} images of which no finding is known are left out."
    for finding, counts_as in (("uncertain", rules.uncertain), ("missing", rules.missing)):
        if counts[finding] and counts_as == "ignore":
            yield f"{counts[finding]} {finding} findings are left out of losses and metrics."
        elif counts[finding]:
            yield f"{counts[finding]} {finding} findings count as {counts_as}, as [labels] says."
    if counts["exclude"]:
        yield f"{counts['exclude']} images of {', '.join(rules.exclude)} are left out, as labels.exclude says."
    if counts["drop"]:
        yield f"{counts['drop']} images lose a label of labels.drop ({', '.join(rules.drop)})."
    for new, merged in rules.merge.items():
        yield f"{', '.join(merged)} count as {new!r}, as labels.merge says."
