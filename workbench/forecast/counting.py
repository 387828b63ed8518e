"""What a plan leaves to do: runs that are not made, and the features that they lack."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.datasets import Dataset
from workbench.features import FeatureStore, TextCache
from workbench.features._shard import KEY_BYTES
from workbench.features.rehearsal import Missing, Rehearsal, rehearsing
from workbench.forecast.schedule import Cell
from workbench.models import Encoder
from workbench.runs.batches import prepare_batch
from workbench.runs.execution import Batch
from workbench.runs.failing import reason_of
from workbench.runs.planned import PlannedRun, cell_of, fitted_together
from workbench.runs.reporter import Silent
from workbench.runs.suite import Suite
from workbench.tracking import RunResult


@dataclass
class Todo:
    """What is left to do.

    Attributes:
        batches: Runs to be made, those together that are fitted together.
        made: Number of runs that are finished.
        images: Missing images of each dataset and model, by view. What two share is in the first.
        sizes: Training, validation and test images of each batch, of all its runs together.
        problems: Why a batch cannot be prepared, by its number.
    """

    batches: list[Batch]
    made: int
    images: dict[Cell, dict[str, Missing]] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)


def count(planned: Sequence[PlannedRun], known: Collection[RunResult], suite: Suite) -> Todo:
    """Go through the preparation of every run that is not made, without computing anything.

    Args:
        planned: The plan; its tasks are used for nothing else, since they keep the stand-ins.
        known: Runs of the suite in store and spool.
        suite: The suite.
    """
    answers: dict[str, list[RunResult]] = {}
    for run in known:
        answers.setdefault(run.key, []).append(run)
    left = [run for run in planned if not any(run.is_answered_by(each) for each in answers.get(run.key, ()))]
    todo = Todo(list(fitted_together(left)), len(planned) - len(left))
    rehearsals: dict[Cell, Rehearsal] = {}
    for number, batch in enumerate(todo.batches):
        batch[0].data.duplicates = None  # Looking for them would read the images.
        rehearsal = rehearsals.setdefault(cell_of(batch[0].spec, suite), Rehearsal(fills=False))
        with rehearsing(rehearsal):
            try:
                _, rows = prepare_batch(batch, Silent())
            except (Exception, SystemExit) as error:  # A plug-in may raise anything.
                todo.problems[number] = reason_of(error, batch[0].data.dataset)
                continue
        todo.sizes[number] = sum(len(each.train) + len(each.val) for each in rows), len(rows[0].test)
    seen: dict[tuple[str, str], set[bytes]] = {}
    for cell, rehearsal in rehearsals.items():
        for (model, view), missing in rehearsal.images.items():
            before = seen.setdefault((model, view), set())
            for key in before & missing.jobs.keys():
                del missing.jobs[key]
                missing.known.add(key)
            before |= missing.jobs.keys()
            todo.images.setdefault(cell, {})[view] = missing
    return todo


def still_missing(missing: Missing, encoder: Encoder, store: FeatureStore, view: str) -> int:
    """How many are missing now that some were measured."""
    if not missing.jobs:
        return 0
    keys = np.frombuffer(b"".join(missing.jobs), np.uint8).reshape(-1, KEY_BYTES)
    return int((~store.images(encoder, view).find(keys).found).sum())


def texts_missing(texts: Collection[str], encoder: Encoder, store: FeatureStore) -> int:
    """How many of some texts are missing now."""
    rehearsal = Rehearsal(fills=False)
    with rehearsing(rehearsal):
        TextCache(encoder, store).encode(sorted(texts))
    return len(rehearsal.texts.get(encoder.fingerprint, ()))


def kinds(dataset: Dataset) -> dict[bytes, int]:
    """Class of each image with one label, by the hash of its content."""
    rows = np.arange(len(dataset))
    labels = np.asarray(dataset.labels(rows))
    if labels.ndim != 1:
        return {}
    return {key.tobytes(): label for key, label in zip(dataset.hashes(rows), labels.tolist(), strict=True)}
