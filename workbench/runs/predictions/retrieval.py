"""`predictions.parquet` of retrieval: where the right items of every query stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, rank_metrics
from workbench.metrics import functional as F
from workbench.metrics.retrieval import RECALL_AT
from workbench.runs.predictions.groups import group_codes
from workbench.runs.predictions.joint import ItemValues, JointPredictions, write_table

DIRECTIONS = ("image_to_text", "text_to_image")


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
        write_table(path, columns, {"task": "retrieval", "gallery": self.gallery})


def _within(k: int, ranks: F.Ranks) -> AnyArray:
    return np.asarray(ranks.best() <= k)
