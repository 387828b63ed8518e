"""An adaptation with its names resolved: datasets open, the model identified, and the key that its result goes by."""

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workbench.adaptation.config import Adaptation, MeasuredOn
from workbench.adaptation.measured import MeasuredSet, Role
from workbench.adaptation.order import shares
from workbench.adaptation.pairs import TrainingPairs
from workbench.datasets import Dataset, open_dataset
from workbench.errors import CardError
from workbench.metrics.protocol import PROTOCOL
from workbench.models import Encoder, open_model
from workbench.models.languages import check_language
from workbench.pseudonyms import Pseudonyms
from workbench.runs.reporter import Reporter
from workbench.settings import Settings

VERSION = "1"
"""Raise it when the same file and data give other weights."""


@dataclass(frozen=True)
class Prepared:
    """An adaptation, ready to be made.

    Attributes:
        adaptation: As in its file.
        encoder: The model before.
        datasets: Open, by argument.
        key: Hex digest of everything that decides the result.
        training_key: The same without what only the choice of a point between before and after depends on.
        pseudonyms: What takes the place of ids and groups in the record; None where they are shown as they are.
    """

    adaptation: Adaptation
    encoder: Encoder
    datasets: dict[str, Dataset]
    key: str
    training_key: str
    pseudonyms: Pseudonyms | None = None

    def without_names(self, text: str) -> str:
        """A text that may name images or files, with pseudonyms where a dataset has them."""
        for dataset in self.datasets.values():
            (text,) = dataset.shown_texts([text])
        return text.replace(str(Path.home()), "~") if self.pseudonyms else text

    def measured_sets(self, settings: Settings, reporter: Reporter) -> list[MeasuredSet]:
        """The datasets that are measured, with their images read once."""
        return [
            MeasuredSet.open(entry, role, self.datasets[entry.dataset], self.encoder, settings, reporter)
            for role, entry in _entries(self.adaptation)
        ]

    def pairs(self, reporter: Reporter) -> tuple[list[TrainingPairs], list[int]]:
        """What is trained on, without images that are measured; and how many of each a batch has."""
        measured = [self.datasets[entry.dataset] for _, entry in _entries(self.adaptation)]
        hashes = [
            digest.tobytes()
            for dataset in measured
            for split in ("val", "test")
            for digest in dataset.hashes(dataset.rows(split))
        ]
        left_out = frozenset(digest for digest in hashes if any(digest))
        pairs = [TrainingPairs(self.datasets[s.dataset], s, left_out) for s in self.adaptation.train]
        for each in pairs:
            if each.leaked:
                reporter.say(
                    f"{each.dataset.name}: {each.leaked} training images are left out, since they are among the "
                    "validation or test images that are measured."
                )
        weights = [each.source.weight or float(len(each)) for each in pairs]
        return pairs, shares(weights, self.adaptation.training.batch_size)


def prepare(adaptation: Adaptation, settings: Settings, reporter: Reporter) -> Prepared:
    """Open datasets and identify the model; errors in names are raised here, before any work.

    Raises:
        WorkbenchError: A dataset or the model cannot be used, or two datasets have one name.
    """
    arguments = [source.dataset for source in adaptation.train]
    arguments += [entry.dataset for _, entry in _entries(adaptation)]
    datasets: dict[str, Dataset] = {}
    pseudonyms: Pseudonyms | None = None
    for argument in dict.fromkeys(arguments):
        progress = partial(reporter.progress, f"reading {argument}")
        dataset = open_dataset(argument, settings, progress, language=adaptation.language)
        if settings.hash_ids or dataset.card.privacy.hash_ids:
            pseudonyms = pseudonyms or Pseudonyms.of_machine(settings.cache)
            dataset = dataset.under_pseudonyms(pseudonyms)
        datasets[argument] = dataset
    names = [datasets[entry.dataset].name for _, entry in _entries(adaptation)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise CardError(f"evaluate and retention: two datasets are called {twice!r}; each needs a name of its own.")
    encoder = open_model(adaptation.model, settings)
    for language in sorted({dataset.card.language for dataset in datasets.values()}):
        doubt = check_language(encoder, language)
        if doubt is not None:
            reporter.say(doubt)
    if encoder.notice:
        reporter.say(f"{adaptation.model} is {encoder.notice}.")
    without: dict[str, Any] = {"name": True, "training": {"checkpoint_every"}}  # These change no result.
    key = _key(adaptation.model_dump(mode="json", exclude=without), encoder, datasets)
    without["retention"] = {"tolerance", "alphas"}
    training_key = _key(adaptation.model_dump(mode="json", exclude=without), encoder, datasets)
    return Prepared(adaptation, encoder, datasets, key, training_key, pseudonyms)


def _entries(adaptation: Adaptation) -> list[tuple[Role, MeasuredOn]]:
    roles: list[tuple[Role, tuple[MeasuredOn, ...]]] = [
        ("evaluate", adaptation.evaluate.datasets),
        ("retention", adaptation.retention.datasets),
    ]
    return [(role, entry) for role, entries in roles for entry in entries]


def _key(content: dict[str, Any], encoder: Encoder, datasets: dict[str, Dataset]) -> str:
    parts = {
        "version": VERSION,
        "protocol": PROTOCOL,
        "adaptation": content,
        "model": encoder.fingerprint,
        "datasets": {argument: [dataset.name, dataset.fingerprint] for argument, dataset in datasets.items()},
        "taxa": [_taxa(datasets[each["dataset"]], each["taxonomy"]) for each in content["train"] if each["taxonomy"]],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _taxa(dataset: Dataset, ranks: list[str]) -> str:
    """A dataset's fingerprint says nothing of columns that only taxonomic strings are made of."""
    rows = dataset.rows("train")
    values = [[str(extra.get(rank)) for rank in ranks] for extra in dataset.extra(np.asarray(rows))]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
