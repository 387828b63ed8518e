"""Digests of what determines the results on a dataset."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from workbench.datasets.roles import ROLES
from workbench.datasets.sources import Record

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


def fingerprint(dataset: "Dataset") -> str:
    """Hex digest of all that determines results: contents, labels, splits, groups, captions, names, prompts.

    Names of files and ids are not part of it, nor the order in which they lie.
    """
    card, prompts = dataset.card, dataset.prompts
    head: list[Any] = [card.task, card.multi_label, dataset.class_keys, dataset.class_names, prompts.templates]
    if len(dataset.unseen_classes):
        head.append(dataset.unseen_classes.tolist())
    if "val" in dataset.made_splits:
        head.append("val made")  # Recipes may train on it then.
    if card.language != "en":
        head.append(["language", card.language])
    head += card.fingerprint_parts()
    digest = hashlib.sha256(json.dumps([*head, dict(prompts.descriptions)], sort_keys=True).encode())
    for split in ROLES:
        rows = dataset.rows(split)
        digest.update(f"{split} {len(rows)}".encode())
        digest.update(dataset.hashes(rows).tobytes())
        # Boxes, instructions and negatives stand in other columns.
        whole = card.reads_items
        records = (dataset.manifest.records[row] for row in rows.tolist())
        contents = [[*labels_of(r), r.group, r.captions, r.extra if whole else ""] for r in records]
        digest.update(json.dumps(contents).encode())
    return digest.hexdigest()


def items_digest(dataset: "Dataset") -> str:
    """Hex digest of the test images, their raw labels and groups, whatever the classes are called."""
    rows = dataset.rows("test")
    digest = hashlib.sha256(dataset.hashes(rows).tobytes())
    records = (dataset.manifest.records[row] for row in rows.tolist())
    digest.update(json.dumps([[*labels_of(record), record.group] for record in records]).encode())
    return digest.hexdigest()


def labels_of(record: Record) -> list[tuple[str, ...]]:
    """What digests hold of an image's labels: masked ones by themselves, where there are any."""
    return [record.labels, record.unknown] if record.unknown else [record.labels]
