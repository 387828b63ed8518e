"""Labels of a dataset that its images contradict: confident learning on scores of models that have not seen them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray, normalise
from workbench.contact_sheet import SheetEntry, as_thumbnail, contact_sheet
from workbench.datasets import Dataset
from workbench.datasets.roles import ROLES
from workbench.errors import DataError
from workbench.features import FeatureStore, extract
from workbench.metrics import functional as F
from workbench.models import Encoder

FOLDS = 5
_STRENGTHS = (1.0, 10.0, 100.0)
"""Of scikit-learn's `C`; the best on the first fold is taken."""
_SHOWN = 300
"""Pictures of a sheet."""


@dataclass(frozen=True)
class Suspects:
    """Labels that are probably wrong, the most suspect first.

    Attributes:
        dataset: The dataset.
        rows: Rows of the dataset, int64 (k,).
        given: Class of each as it is labelled, (k,).
        likelier: Class that the images speak for, (k,).
        chances: (k, 2), the probabilities of the two.
        judged: Number of images that were judged.
        notes: Sentences about images that were not.
    """

    dataset: Dataset
    rows: IntArray
    given: IntArray
    likelier: IntArray
    chances: FloatArray
    judged: int
    notes: tuple[str, ...]

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row a suspect: `id`, `split`, `label`, `likelier`, and the probabilities of the two."""
        names, split = self.dataset.class_names, self._splits
        found = zip(
            self.dataset.ids(self.rows), self.rows.tolist(), self.given.tolist(), self.likelier.tolist(),
            self.chances.tolist(), strict=True,
        )  # fmt: skip
        return [
            {
                "id": name, "split": split[row], "label": names[own], "likelier": names[other],
                "probability": round(chances[0], 6), "likelier_probability": round(chances[1], 6),
            }
            for name, row, own, other, chances in found
        ]  # fmt: skip

    @property
    def _splits(self) -> dict[int, str]:
        return {int(row): role for role in ROLES for row in self.dataset.rows(role)}

    def sheet(self) -> str:
        """A page with the pictures of the most suspect."""
        entries = [
            SheetEntry(
                found["id"],
                (f"{found['id']} ({found['split']})", f"labelled {found['label']}", f"rather {found['likelier']}?"),
                self._picture(row),
            )
            for found, row in zip(self.table[:_SHOWN], self.rows.tolist(), strict=False)
        ]
        about = (
            f"{len(self.rows)} of {self.judged} labels are suspect, the most suspect first. Look before you change any."
        )
        return contact_sheet(f"Suspect labels of {self.dataset.name}", about, entries)

    def _picture(self, row: int) -> bytes | None:
        try:
            return as_thumbnail(self.dataset.decode(row))
        except DataError:
            return None


def find_suspects(
    dataset: Dataset,
    encoder: Encoder,
    store: FeatureStore,
    *,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Suspects:
    """Find labels that a linear probe on the model's features contradicts, each judged by a probe that has not seen it.

    See `functional.suspects_by_noise_rate` for the rule (Northcutt et al., JAIR 2021), and `out_of_fold` for the
    scores. Images of all splits are judged.

    Args:
        dataset: Of one class an image.
        encoder: The model.
        store: Where features are kept.
        workers: Decoding threads; 0 means one per core.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: Images have several labels or none, or there are too few images.
    """
    if dataset.card.multi_label or not dataset.card.labels_are_truth:
        raise DataError(f"dataset {dataset.name!r}: wrong labels are looked for where each image has one class.")
    rows = dataset.rows("all")
    extraction = extract(dataset, rows, encoder, store, workers=workers, progress=progress)
    labels = dataset.labels(rows)
    usable = extraction.readable & (labels >= 0)
    groups = dataset.groups(rows)
    rows, labels = rows[usable], labels[usable]
    units = np.arange(len(rows)) if groups is None else groups[usable]
    chances, judged = out_of_fold(normalise(extraction.features.pooled[usable]), labels, units)
    notes = []
    if not judged.all():
        count = int(np.count_nonzero(~judged))
        notes.append(f"{count} images are not judged: too few others, or other groups, have their class.")
    rows, labels, chances = rows[judged], labels[judged], chances[judged]
    found = F.suspects_by_noise_rate(chances, labels)
    given, others = labels[found], chances[found].copy()
    own = others[np.arange(len(found)), given].copy()
    others[np.arange(len(found)), given] = -1.0
    likelier = others.argmax(axis=1)
    pair = np.stack([own, others.max(axis=1, initial=-1.0)], axis=1)
    return Suspects(dataset, rows[found], given, likelier, pair, len(rows), tuple(notes))


def out_of_fold(
    features: FloatArray, labels: IntArray, groups: AnyArray, *, seed: int = 0
) -> tuple[FloatArray, AnyArray]:
    """Probabilities of classes for each image by a probe that has seen neither it nor its group.

    Folds are stratified, and whole groups. The strength of regularisation is the one with the least loss on the first
    fold, over labels as they are.

    Args:
        features: (n, d), of unit norm.
        labels: int64 (n,).
        groups: (n,), one an image.
        seed: Seeds the folds.

    Returns:
        float32 (n, c), and which images were judged, bool (n,): the probe knew their class.

    Raises:
        DataError: There are fewer than two classes, or than `FOLDS` groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    classes = int(labels.max(initial=-1)) + 1
    if len(np.unique(labels)) < 2 or len(np.unique(groups)) < FOLDS:
        raise DataError(f"wrong labels: expected two classes or more, and {FOLDS} groups of images or more.")
    chances, judged = np.zeros((len(labels), classes), np.float32), np.zeros(len(labels), np.bool_)
    strength = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Rare classes are in fewer folds than there are.
        folds = list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, labels, groups))
    for train, rest in folds:
        if len(np.unique(labels[train])) < 2 or not len(rest):
            continue
        known = np.isin(labels[rest], labels[train])
        if strength is None:
            tried = {c: _judge(features, labels, train, rest[known], classes, c) for c in _STRENGTHS}
            strength = min(tried, key=lambda c: _loss(tried[c], labels[rest[known]]))
        chances[rest] = _judge(features, labels, train, rest, classes, strength)
        judged[rest] = known
    return chances, judged


def _judge(
    features: FloatArray, labels: IntArray, train: IntArray, rest: IntArray, classes: int, strength: float
) -> FloatArray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((len(rest), classes), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # That there are many classes.
        probe = LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(features[train], labels[train])
    if len(rest):
        found[:, probe.classes_] = probe.predict_proba(features[rest])
    return found


def _loss(chances: FloatArray, labels: IntArray) -> float:
    if not len(labels):
        return 0.0
    return float(-np.log(np.maximum(chances[np.arange(len(labels)), labels], 1e-9)).mean())
