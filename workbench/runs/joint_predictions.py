"""`predictions.parquet` of retrieval, matching and grounding: every metric can be computed again from it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError, UnknownMetricError
from workbench.metrics import Estimate, rank_metrics, statement_metrics, winoground_metrics
from workbench.metrics import functional as F
from workbench.metrics.choices import choice_metrics
from workbench.metrics.retrieval import RECALL_AT
from workbench.registry import closest
from workbench.tasks.choices import Form

DIRECTIONS = ("image_to_text", "text_to_image")
STATEMENT_RANKING = ("auroc", "average_precision")
"""What ranks true or false statements; no means over items."""


@dataclass(frozen=True)
class ItemValues:
    """What a metric is the mean of.

    Attributes:
        ids: Items.
        groups: Group names, or None where an item has none.
        values: (n,).
    """

    ids: Sequence[str]
    groups: Sequence[str | None]
    values: AnyArray


class JointPredictions(ABC):
    """Results of one run on the test items."""

    @abstractmethod
    def metrics(self) -> dict[str, Estimate]:
        """Every metric with its interval."""

    @abstractmethod
    def chance(self) -> dict[str, float]:
        """What guessing would reach, by the metric's name with `chance_` before it."""

    @abstractmethod
    def terms(self) -> dict[str, Callable[[], ItemValues]]:
        """The metrics that are means over items, by name."""

    @abstractmethod
    def write(self, path: Path) -> None:
        """Write as Parquet."""

    def comparable(self) -> tuple[str, ...]:
        """The metrics by which runs can be compared."""
        return tuple(self.terms())

    def item_values(self, metric: str) -> ItemValues:
        """What a metric is the mean of; raises `UnknownMetricError` where it is none."""
        known = self.terms()
        if metric not in known:
            names = self.comparable()
            # Those of single kinds of items are many.
            short = ", ".join(name for name in names if "/" not in name)
            raise UnknownMetricError(
                f"metric {metric!r} cannot be compared item by item.{closest(metric, names)} "
                f"These can be compared: {short}."
            )
        return known[metric]()


@dataclass(frozen=True)
class RankedQueries(JointPredictions):
    """Retrieval: where the right items of every query stand.

    Attributes:
        direction: `image_to_text` or `text_to_image`, of each query.
        ids: The image's id, or the text.
        groups: What is resampled together: the image's group; of a text that of its first image.
        ranks: Places of the right items in the ranking of the whole gallery, from 1, ascending.
        gallery: Size of the gallery by direction.
    """

    direction: Sequence[str]
    ids: Sequence[str]
    groups: Sequence[str | None]
    ranks: Sequence[Sequence[int]]
    gallery: dict[str, int]

    def metrics(self) -> dict[str, Estimate]:
        """See `JointPredictions.metrics`."""
        found: dict[str, Estimate] = {}
        for direction in DIRECTIONS:
            rows = self._rows(direction)
            found |= rank_metrics(self._ranks(rows), direction, group_codes([self.groups[i] for i in rows]))
        return found

    def chance(self) -> dict[str, float]:
        """Expected recall at 1."""
        found = {}
        for direction in DIRECTIONS:
            counts = [len(self.ranks[i]) for i in self._rows(direction)]
            found[f"chance_{direction}_recall_at_1"] = float(np.mean(counts) / self.gallery[direction])
        return found

    def terms(self) -> dict[str, Callable[[], ItemValues]]:
        """See `JointPredictions.terms`."""
        found: dict[str, Callable[[], ItemValues]] = {}
        for direction in DIRECTIONS:
            for k in RECALL_AT:
                found[f"{direction}_recall_at_{k}"] = partial(self._of, direction, partial(_within, k))
            found[f"{direction}_map"] = partial(self._of, direction, F.Ranks.average_precision)
            found[f"{direction}_ndcg"] = partial(self._of, direction, F.Ranks.ndcg)
        return found

    def _of(self, direction: str, measure: Callable[[F.Ranks], AnyArray]) -> ItemValues:
        rows = self._rows(direction)
        return ItemValues([self.ids[i] for i in rows], [self.groups[i] for i in rows], measure(self._ranks(rows)))

    def _rows(self, direction: str) -> list[int]:
        return [i for i, own in enumerate(self.direction) if own == direction]

    def _ranks(self, rows: Sequence[int]) -> F.Ranks:
        counts = [len(self.ranks[i]) for i in rows]
        rank = np.concatenate([np.asarray(self.ranks[i], dtype=np.int64) for i in rows])
        return F.Ranks(np.repeat(np.arange(len(rows)), counts), rank)

    def write(self, path: Path) -> None:
        """Write `direction`, `id`, `group`, `ranks`."""
        import pyarrow as pa

        columns = {
            "direction": pa.array(list(self.direction), pa.string()),
            "id": pa.array(list(self.ids), pa.string()),
            "group": pa.array(list(self.groups), pa.string()),
            "ranks": pa.array([list(map(int, own)) for own in self.ranks], pa.list_(pa.int64())),
        }
        _write(path, columns, {"task": "retrieval", "gallery": self.gallery})


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
        kinds, counts = np.array(self.kinds), np.array([len(own) for own in self.scores])
        inside = {"accuracy": np.ones(len(right), dtype=np.bool_)}
        inside |= {f"accuracy/{kind}": kinds == kind for kind in sorted(set(self.kinds) - {""})}
        if self.task == "grounding":
            inside |= {f"accuracy/{n}_candidates": counts == n for n in np.unique(counts)}
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
        _write(path, columns, {"task": self.task, "form": self.form})


def _within(k: int, ranks: F.Ranks) -> AnyArray:
    return np.asarray(ranks.best() <= k)


def group_codes(groups: Sequence[str | None]) -> AnyArray | None:
    """int64 (n,); None where no item has a group. An item without a group is one of its own."""
    if not any(groups):
        return None
    number: dict[str, int] = {}
    keys = [group if group else f"\0{i}" for i, group in enumerate(groups)]
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)


def _write(path: Path, columns: dict[str, Any], about: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns).replace_schema_metadata({"workbench": json.dumps(about)})
    pq.write_table(table, path, compression="zstd")


def read_joint_predictions(path: Path) -> JointPredictions:
    """Read what `JointPredictions.write` wrote; raises `DataError` naming the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[b"workbench"])
        if about["task"] == "captioning":
            from workbench.runs.caption_predictions import read_captions

            return read_captions(path)
        columns: dict[str, list[Any]] = {name: table.column(name).to_pylist() for name in table.column_names}
        if about["task"] == "retrieval":
            return RankedQueries(
                columns["direction"], columns["id"], columns["group"], columns["ranks"], about["gallery"]
            )  # fmt: skip
        return ScoredChoices(
            about["task"], about["form"], columns["id"], columns["image"], columns["text"], columns["group"],
            columns["kind"], [np.array(own, dtype=np.float32) for own in columns["scores"]],
            [np.array(own, dtype=np.bool_) for own in columns["right"]],
        )  # fmt: skip
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a predictions file of retrieval, matching or grounding ({error}).") from error
