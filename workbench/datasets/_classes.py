"""The class list: from the card, from the source, or from the labels themselves."""

import unicodedata
from collections import Counter
from collections.abc import Iterable

from workbench.datasets.card import DatasetCard
from workbench.datasets.manifest import Manifest
from workbench.errors import CardError, DataError
from workbench.registry import closest


def class_list(card: DatasetCard, manifest: Manifest) -> dict[str, str]:
    """Raw label to class name, in class order.

    The card's classes, else those that the source itself names, else the sorted raw labels (by value where all are
    numbers).

    Raises:
        DataError: An image has a label that is no class, or a classification has fewer than two classes.
        CardError: Two classes have one name.
    """
    seen = {label for record in manifest.records for label in record.labels}
    given = card.classes or manifest.class_names
    classes = {unicodedata.normalize("NFC", key): name for key, name in given.items()} or {
        key: key for key in _sorted(seen)
    }
    unknown = sorted(seen - classes.keys())
    if unknown:
        where = next(record.id for record in manifest.records if unknown[0] in record.labels)
        known = closest(unknown[0], classes) or f" Its classes begin with {', '.join(list(classes)[:5])}."
        raise DataError(
            f"dataset {card.name!r}: {where} has the label {unknown[0]!r}, which [classes] of the card lacks.{known}"
        )
    name, times = Counter(classes.values()).most_common(1)[0] if classes else ("", 0)
    if times > 1:
        raise CardError(f"card {card.name!r}: {times} classes are named {name!r}; prompts could not tell them apart.")
    if card.task == "classification" and len(classes) < (1 if card.multi_label else 2):
        only = f"only one class, {next(iter(classes))!r}" if classes else "no labels"
        raise DataError(f"dataset {card.name!r} has {only}; a classification needs at least two classes.")
    return classes


def _sorted(labels: Iterable[str]) -> list[str]:
    found = sorted(labels)
    numbers = all(label.removeprefix("-").isdecimal() for label in found)
    return sorted(found, key=int) if numbers else found
