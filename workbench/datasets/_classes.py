"""The class list: from the card, from the source, or from the labels themselves."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Literal

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets.card import DatasetCard
from workbench.datasets.card_labels import declared_labels
from workbench.datasets.manifest import Manifest
from workbench.errors import CardError, DataError
from workbench.registry import closest


def class_list(card: DatasetCard, manifest: Manifest) -> dict[str, str]:
    """Raw label to class name, in class order.

    The card's classes, else its columns of findings, else those that the source itself names, else the sorted raw
    labels (by value where all are numbers).

    Raises:
        DataError: An image has a label that is no class, or a classification has fewer than two classes.
        CardError: Two classes have one name.
    """
    seen = {label for record in manifest.records for label in record.labels}
    names = card.classes or declared_labels(card) or manifest.class_names
    classes = {unicodedata.normalize("NFC", key): name for key, name in names.items()} or {
        key: key for key in _sorted(seen)
    }
    # A card may list the classes that it asks about, and name the others as unknown.
    classes |= {key: key for key in _named(card, "unknown") if key in seen and key not in classes}
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
    if len(classes) < card.least_classes:
        only = f"only one class, {next(iter(classes))!r}" if classes else "no labels"
        raise DataError(f"dataset {card.name!r} has {only}; a classification needs at least two classes.")
    return classes


def classes_of_test(
    card: DatasetCard, kind: Literal["unseen", "unknown"], keys: Sequence[str], names: Sequence[str]
) -> IntArray:
    """Classes that only test has, int64, ascending; see `card.Splits`.

    Args:
        card: The card.
        kind: Those that recipes know by name (`splits.unseen`), or not at all (`splits.unknown`).
        keys: Raw labels.
        names: Class names.

    Raises:
        CardError: A name is no class, or no class would be left to train on or to leave out.
    """
    asked: float | tuple[str, ...] | None = getattr(card.splits, kind)
    if not asked:  # An empty list takes out what the card that is extended says.
        return np.empty(0, dtype=np.int64)
    if isinstance(asked, float):
        salt = f"{kind}-{card.splits.seed}".encode()
        # By hash, so that most of the choice stays when a class is added.
        order = sorted(range(len(keys)), key=lambda i: blake2b(keys[i].encode(), digest_size=8, key=salt).digest())
        chosen = order[: max(1, round(asked * len(keys)))]
    else:
        wanted = set(_named(card, kind))
        stray = next((name for name in asked if name not in names and not {name, _nfc(name)} & set(keys)), None)
        if stray is not None:
            raise CardError(
                f"card {card.name!r}: splits.{kind} names {stray!r}, which is no class.{closest(stray, names)}"
            )
        chosen = [i for i, pair in enumerate(zip(keys, names, strict=True)) if set(pair) & wanted]
    if not chosen or len(chosen) > len(keys) - 2:
        others = {"unseen": "seen", "unknown": "known"}[kind]
        raise CardError(
            f"card {card.name!r}: splits.{kind} takes {len(chosen)} of {len(keys)} classes; "
            f"at least one must be {kind} and two {others}."
        )
    return np.array(sorted(chosen), dtype=np.int64)


def _named(card: DatasetCard, kind: Literal["unseen", "unknown"]) -> tuple[str, ...]:
    """The names of a list of classes as the card and as the records have them."""
    asked: float | tuple[str, ...] | None = getattr(card.splits, kind)
    return (
        tuple(dict.fromkeys(each for name in asked for each in (name, _nfc(name)))) if isinstance(asked, tuple) else ()
    )


def _nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _sorted(labels: Iterable[str]) -> list[str]:
    ordered = sorted(labels)
    numbers = all(label.removeprefix("-").isdecimal() for label in ordered)
    return sorted(ordered, key=int) if numbers else ordered
