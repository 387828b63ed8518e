"""Digests of what a dataset holds; they depend neither on how its files are called nor on their order."""

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets.card import DatasetCard
from workbench.datasets.domains import domain_reader
from workbench.datasets.manifest import Manifest
from workbench.datasets.roles import ROLES
from workbench.datasets.sources import Record
from workbench.datasets.subgroups import column_of, subgroups_of

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


def fingerprint_of(dataset: "Dataset") -> str:
    """Hex digest of all that determines results: contents, labels, splits, groups, captions, names, prompts."""
    card, prompts = dataset.card, dataset.prompts
    head: list[Any] = [card.task, card.multi_label, dataset.class_keys, dataset.class_names, prompts.templates]
    if len(dataset.unseen_classes):
        head.append(dataset.unseen_classes.tolist())
    if dataset.unknown_class_names:
        head.append(["unknown", dataset.unknown_class_names])
    if dataset.taxonomy is not None:
        head.append(["ranks", dataset.taxonomy.to_dict()])
    if "val" in dataset.made_splits:
        head.append("val made")  # Recipes may train on it then.
    if card.language != "en":
        head.append(["language", card.language])
    if prompts.spoken != dataset.class_names:
        head.append(["spoken", prompts.spoken])
    if prompts.negative_templates:
        head.append(["negatives", prompts.negative_templates])
    head += card.fingerprint_parts()
    digest = hashlib.sha256(json.dumps([*head, dict(prompts.descriptions)], sort_keys=True).encode())
    for split in ROLES:
        rows = dataset.rows(split)
        digest.update(f"{split} {len(rows)}".encode())
        digest.update(dataset.hashes(rows).tobytes())
        # Boxes, instructions and negatives stand in other columns.
        whole = card.reads_items
        records = (dataset.manifest.records[row] for row in rows.tolist())
        contents = [[*_labels_of(r), r.group, r.captions, r.extra if whole else ""] for r in records]
        digest.update(json.dumps(contents).encode())
        for part in _columns_of(card, dataset.manifest, rows):
            digest.update(json.dumps(part).encode())
    if card.splits.unlabelled:
        digest.update(b"unlabelled")
        digest.update(dataset.hashes(dataset.unlabelled_rows).tobytes())
    return digest.hexdigest()


def _columns_of(card: DatasetCard, manifest: Manifest, rows: IntArray) -> Iterator[Any]:
    """What else the card reads of images; domains as they are, whatever pseudonyms stand for them."""
    read, columns = domain_reader(card), card.columns
    if read is None and not (columns.subgroups or columns.observation or columns.region):
        return
    records = [manifest.records[row] for row in rows.tolist()]
    if read is not None:
        yield [read(record) for record in records]
    if columns.subgroups:
        yield subgroups_of(card, records)
    for key in ("observation", "region"):
        if (values := column_of(card, records, key)) is not None:
            yield [key, values]


def items_digest_of(dataset: "Dataset") -> str:
    """Hex digest of the test images, their raw labels and groups, whatever the classes are called."""
    rows = dataset.rows("test")
    digest = hashlib.sha256(dataset.hashes(rows).tobytes())
    if dataset.unknown_class_names:
        digest.update(json.dumps(["unknown", sorted(set(dataset.label_names) - set(dataset.class_keys))]).encode())
    records = (dataset.manifest.records[row] for row in rows.tolist())
    digest.update(json.dumps([[*_labels_of(record), record.group] for record in records]).encode())
    return digest.hexdigest()


def content_ranks(manifest: Manifest) -> IntArray:
    """Order among images with equal bytes, int64 (n,): by their labels, groups and captions, not by their paths."""
    _, content, count = np.unique(manifest.hashes, axis=0, return_inverse=True, return_counts=True)
    again = np.flatnonzero(count[content.reshape(-1)] > 1)
    records = (manifest.records[row] for row in again.tolist())
    contents = [json.dumps([*_labels_of(r), r.group, r.captions, r.extra]) for r in records]
    rank = np.zeros(len(manifest.records), dtype=np.int64)
    rank[again] = np.unique(np.array(contents, dtype=np.str_), return_inverse=True)[1].reshape(-1)
    return rank


def _labels_of(record: Record) -> list[tuple[str, ...]]:
    """What digests hold of an image's labels: masked ones by themselves, where there are any."""
    return [record.labels, record.unknown] if record.unknown else [record.labels]
