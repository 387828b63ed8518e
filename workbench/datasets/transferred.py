"""The dataset that a transfer makes of two, or of the domains of one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.arrays import BoolArray
from workbench.datasets._notes import dataset_notes
from workbench.datasets._spelling import spelt_as_name
from workbench.datasets.card import DatasetCard
from workbench.datasets.class_matches import check_same, match_classes
from workbench.datasets.dataset import Dataset
from workbench.datasets.domains import count_domains
from workbench.datasets.joined import JoinedDataset, Piece
from workbench.datasets.roles import ROLES
from workbench.datasets.trained_on import TrainedOn
from workbench.datasets.transfer import OTHER_DOMAINS, Transfer
from workbench.errors import DataError
from workbench.formatting import counted


def open_transfer(transfer: Transfer, source: Dataset, target: Dataset) -> Dataset:
    """The dataset of a transfer's runs.

    Args:
        transfer: The transfer.
        source: Its source dataset, opened.
        target: Its target dataset, opened; the same object where domains are left out.

    Returns:
        A dataset whose test images and classes are the target's. Where the transfer is across, its training and
        validation images are the source's, and `trained_on` says so; results on it are results on the target.

    Raises:
        DataError: The datasets cannot be joined, or have not the classes that the transfer needs.
    """
    _check_task(source, target)
    if transfer.domain is not None:
        return _open_domain(transfer, transfer.domain, target)
    matches = match_classes(source, target, dict(transfer.mapping))
    if transfer.classes == "same":
        check_same(source, target, matches)
    if transfer.classes == "text":
        return _across(source, target, {}, source.name)
    if transfer.classes == "same":
        return _across(source, target, matches, source.name)
    shared_source = _with_classes(source, set(matches), target)
    shared_target = _with_classes(target, set(matches.values()), source)
    if transfer.is_across:
        return _across(shared_source, shared_target, matches, source.name)
    return shared_source if transfer.tested_on == "source" else shared_target


def testable_domains(dataset: Dataset) -> list[str]:
    """Domains that have test images, in order.

    Raises:
        DataError: The card names no domains, has its splits by domain, or images are of one domain only.
    """
    card = dataset.card
    if card.columns.domain is None and card.splits.domain_pattern is None:
        raise DataError(
            f"dataset {dataset.name!r}: domains = 'leave-one-out' needs columns.domain, or splits.domain_pattern, in "
            "its card."
        )
    if card.splits.by == "domain":
        raise DataError(
            f"dataset {dataset.name!r}: its card has splits.by = 'domain', which keeps some domains for test; "
            "domains = 'leave-one-out' keeps each for test in turn, from the usual splits. Use a card without it."
        )
    counts = count_domains(dataset)
    if len(counts) < 2:
        raise DataError(
            f"dataset {dataset.name!r}: domains = 'leave-one-out' needs images of at least two domains, and they are "
            f"of {', '.join(counts) or 'none'}."
        )
    return [name for name, of_splits in counts.items() if of_splits["test"]]


def _check_task(source: Dataset, target: Dataset) -> None:
    for dataset in (source, target):
        if dataset.unknown_class_names:
            raise DataError(
                f"dataset {dataset.name!r}: splits.unknown of its card is not for [[transfer]]; take it out, or name a "
                "card without it."
            )
        if dataset.card.reads_items:
            raise DataError(
                f"dataset {dataset.name!r} is for {dataset.card.task}; [[transfer]] is for datasets of images with "
                "classes."
            )
    if source.card.multi_label != target.card.multi_label:
        kinds = {True: "several labels", False: "one label"}
        raise DataError(
            f"transfer from {source.name!r} to {target.name!r}: an image has {kinds[source.card.multi_label]} there "
            f"and {kinds[target.card.multi_label]} here (multi_label of the cards)."
        )


def _across(
    source: Dataset, target: Dataset, matches: Mapping[str, str], name: str, *, foreign: bool = True
) -> Dataset:  # fmt: skip
    """Training and validation images of one dataset, test images and classes of another."""
    pieces = [
        *(Piece(source, source.rows(split), split, matches, is_foreign=foreign) for split in ("train", "val")),
        Piece(target, target.rows("test"), "test", _own_classes(target)),
        Piece(target, target.unlabelled_rows, None, {}),
    ]  # fmt: skip
    classes = dict(zip(target.class_keys, target.class_names, strict=True))
    train, val, test = (len(piece.rows) for piece in pieces[:3])
    by_text = "" if matches else f" The {len(target.class_names)} classes of the test images are scored by their text."
    note = (
        f"Trained on {counted(train, 'image')} of {name}, validated on {counted(val, 'image')} of it, tested on "
        f"{counted(test, 'image')} of {target.name}.{by_text}"
    )
    trained_on = TrainedOn(name, source, dict(matches))
    joined = JoinedDataset(target.card, pieces, classes, tested=target, trained_on=trained_on)
    about = dataset_notes(joined) if matches else ()
    notes = (note, *(f"{source.name}: {text}" for text in source.notes), *about)
    joined.trained_on = replace(trained_on, notes=notes)
    return joined


def _with_classes(dataset: Dataset, keys: set[str], other: Dataset) -> Dataset:
    """A dataset of its own: the images of some classes; of several labels an image, all images with these labels."""
    card = dataset.card
    classes = {
        key: name
        for key, name in zip(dataset.class_keys, dataset.class_names, strict=True)
        if key in keys
    }  # fmt: skip
    if len(classes) < card.least_classes:
        raise DataError(
            f"transfer with {other.name!r}: dataset {dataset.name!r} shares "
            f"{counted(len(classes), 'class', 'classes')} with it, and {card.task} needs {card.least_classes}; say in "
            "mapping which classes are one."
        )
    if card.splits.unseen is not None:
        raise DataError(
            f"dataset {dataset.name!r}: splits.unseen of its card and classes = 'shared' of [[transfer]] both leave "
            "out classes; use a card without it."
        )
    labels = dataset.labels(np.arange(len(dataset)))
    inside = np.isin(labels, [i for i, key in enumerate(dataset.class_keys) if key in classes])
    kept = np.ones(len(dataset), np.bool_) if labels.ndim == 2 else inside
    note = f"Only the {len(classes)} of {len(dataset.class_keys)} classes that {other.name} has, too."
    name = f"{card.name}-shared-with-{other.name}"
    return _restricted(dataset, dict.fromkeys(ROLES, kept), _card_of(card, name, classes), classes, note)


def _open_domain(transfer: Transfer, domain: str, dataset: Dataset) -> Dataset:
    """Test images of one domain; trained on all domains, or on the others."""
    card, everything = dataset.card, np.arange(len(dataset))
    domains = dataset.domains(everything) or []
    inside = np.array([name == domain for name in domains], dtype=np.bool_)
    outside = np.array([name is not None and name != domain for name in domains], dtype=np.bool_)
    classes = dict(zip(dataset.class_keys, dataset.class_names, strict=True))
    named = {name: spelt_as_name(name) or "domain" for name in sorted({name for name in domains if name is not None})}
    # Two domains may be spelt alike.
    number = [name for name, spelt in named.items() if spelt == named[domain]].index(domain)
    name = f"{card.name}-{named[domain]}{f'-{number + 1}' if number else ''}"
    every = np.ones(len(dataset), np.bool_)
    kept = {"train": every, "val": every, "test": inside, "unlabelled": inside}
    tested = _restricted(
        dataset, kept, _card_of(card, name, {}), classes, f"Test is the domain {domain} of {card.name} alone."
    )  # fmt: skip
    if not transfer.is_across:
        return tested
    others = _restricted(dataset, dict.fromkeys(ROLES, outside), card, classes, f"Without the domain {domain}.")
    return _across(others, tested, _own_classes(dataset), OTHER_DOMAINS, foreign=False)


def _restricted(
    dataset: Dataset, kept: Mapping[str, BoolArray], card: DatasetCard, classes: Mapping[str, str], note: str
) -> JoinedDataset:  # fmt: skip
    """Some images of a dataset as a dataset of its own."""
    own = {key: key for key in classes}
    rows = {split: dataset.rows(split)[kept[split][dataset.rows(split)]] for split in ROLES}
    pool = dataset.unlabelled_rows
    pool = pool[kept.get("unlabelled", kept["train"])[pool]]
    pieces = [] if np.array_equal(pool, rows["train"]) else [Piece(dataset, pool, None, {})]
    pieces += [Piece(dataset, rows[split], split, own) for split in ROLES]
    return JoinedDataset(card, pieces, classes, notes=(note, *dataset.manifest.notes))


def _card_of(card: DatasetCard, name: str, classes: Mapping[str, str]) -> DatasetCard:
    """The card under another name, and with some of its classes where they are named."""
    if not classes:
        return card.model_copy(update={"name": name})
    own = {*classes, *classes.values()}
    described = {key: texts for key, texts in card.prompts.descriptions.items() if key in own}
    changes: dict[str, Any] = {
        "name": name, "classes": dict(classes), "prompts": card.prompts.model_copy(update={"descriptions": described}),
    }  # fmt: skip
    if getattr(card, "positive_class", None) not in {None, *own}:
        changes["positive_class"] = None
    return card.model_copy(update=changes)


def _own_classes(dataset: Dataset) -> dict[str, str]:
    return {key: key for key in dataset.class_keys}
