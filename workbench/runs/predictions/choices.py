"""`predictions.parquet` of matching and grounding: the scores of every item's candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics import Estimate, statement_metrics, winoground_metrics
from workbench.metrics import functional as F
from workbench.metrics.choices import choice_metrics
from workbench.metrics.keys import accuracy_parts
from workbench.runs.predictions.groups import group_codes
from workbench.runs.predictions.joint import ItemValues, JointPredictions, write_table
from workbench.tasks.choices import Form

STATEMENT_RANKING = ("auroc", "average_precision")
"""What ranks true or false statements; no means over items."""


@dataclass(frozen=True)
class ScoredChoices(JointPredictions):
    """Matching and grounding: the scores of every item's candidates.

    Attributes:
        task: `matching` or `grounding`.
        form: What the items are, see `workbench.Choices`.
        ids: Items.
        images: Image ids.
        texts: The text, or texts with ` | ` between them.
        groups: Group names, or None.
        kinds: Kind of each item, or empty texts.
        scores: Logits of each item's candidates.
        right: Which candidates are right.
    """

    task: str
    form: Form
    ids: Sequence[str]
    images: Sequence[str]
    texts: Sequence[str]
    groups: Sequence[str | None]
    kinds: Sequence[str]
    scores: Sequence[FloatArray]
    right: Sequence[AnyArray]

    def metrics(self) -> dict[str, Estimate]:
        """See `JointPredictions.metrics`."""
        groups = group_codes(self.groups)
        if self.form == "statement":
            return statement_metrics(self._flat, self._truth, groups)
        if self.form == "pairs":
            return winoground_metrics(self._flat.reshape(-1, 2, 2), groups)
        return choice_metrics(
            self._flat, self._truth, self._starts, groups,
            kinds=np.array(self.kinds, dtype=np.str_), by_candidates=self.task == "grounding",
        )  # fmt: skip

    def chance(self) -> dict[str, float]:
        """Expected accuracy of picking any candidate; Winoground's own figures for pairs; nothing for statements."""
        if self.form == "statement":
            return {}
        if self.form == "pairs":
            return {"chance_text_score": 1 / 4, "chance_image_score": 1 / 4, "chance_group_score": 1 / 6}
        return {"chance_accuracy": float(np.mean([right.mean() for right in self.right]))}

    def terms(self) -> dict[str, Callable[[], ItemValues]]:
        """See `JointPredictions.terms`."""
        if self.form == "statement":
            return {"accuracy": partial(self._hits, (self._flat >= 0) == self._truth)}
        if self.form == "pairs":
            hits = F.winoground(self._flat.reshape(-1, 2, 2))
            names = ("text_score", "image_score", "group_score")
            return {name: partial(self._hits, own) for name, own in zip(names, hits, strict=True)}
        right = F.picks_right(self._flat, self._truth, self._starts)
        counts = np.array([len(own) for own in self.scores]) if self.task == "grounding" else None
        inside = {"accuracy": np.ones(len(right), dtype=np.bool_)}
        inside |= accuracy_parts(np.array(self.kinds, dtype=np.str_), counts)
        return {name: partial(self._hits, right, own) for name, own in inside.items()}

    def comparable(self) -> tuple[str, ...]:
        """See `JointPredictions.comparable`."""
        return (*self.terms(), *(STATEMENT_RANKING if self.form == "statement" else ()))

    def statements(self, metric: str) -> tuple[FloatArray, AnyArray] | None:
        """Scores and truth of statements, (n,) each, where `metric` ranks them; None otherwise."""
        return (self._flat, self._truth) if self.form == "statement" and metric in STATEMENT_RANKING else None

    def _hits(self, values: AnyArray, inside: AnyArray | None = None) -> ItemValues:
        chosen = range(len(self.ids)) if inside is None else np.flatnonzero(inside).tolist()
        return ItemValues([self.ids[i] for i in chosen], [self.groups[i] for i in chosen], values[list(chosen)])

    @property
    def _flat(self) -> FloatArray:
        return np.concatenate([np.asarray(own, dtype=np.float32) for own in self.scores])

    @property
    def _truth(self) -> AnyArray:
        return np.concatenate([np.asarray(own, dtype=np.bool_) for own in self.right])

    @property
    def _starts(self) -> AnyArray:
        counts = [len(own) for own in self.scores]
        return np.cumsum(counts) - counts

    def write(self, path: Path) -> None:
        """Write `id`, `image`, `text`, `group`, `kind`, `scores` and `right` (a list each)."""
        import pyarrow as pa

        columns = {
            "id": pa.array(list(self.ids), pa.string()),
            "image": pa.array(list(self.images), pa.string()),
            "text": pa.array(list(self.texts), pa.string()),
            "group": pa.array(list(self.groups), pa.string()),
            "kind": pa.array(list(self.kinds), pa.string()),
            "scores": pa.array([own.tolist() for own in self.scores], pa.list_(pa.float32())),
            "right": pa.array([own.tolist() for own in self.right], pa.list_(pa.bool_())),
        }
        write_table(path, columns, {"task": self.task, "form": self.form})
