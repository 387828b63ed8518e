"""k nearest neighbours: training images near an image vote for their classes.

Cover and Hart, "Nearest neighbor pattern classification" (1967), with votes weighted by exp(cosine / temperature) as
in Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination" (CVPR 2018), section 3.4.
Differences: k and temperature are chosen on validation; scores are log shares of the vote, with a thousandth of it
divided equally among all classes, so that probabilities are defined.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from adapters._heads.batches import TaskBatch
from adapters._heads.cache import NearestNeighbours, by_rows, neighbour_votes
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import HeadConfig, SpaceChoice
from adapters._heads.predictors import as_float32
from adapters._heads.recipe import HeadRecipe
from adapters._heads.sweep import SweepResult
from workbench.plugin import Predictor, RecipeConfig, TaskModel


class KnnConfig(HeadConfig):
    """Settings of `knn`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: validation chooses.
        neighbours: Values of k; where there are fewer images, all of them vote.
        temperatures: Temperatures of the votes.
        default_neighbours: k where there is no validation split.
        default_temperature: Temperature where there is no validation split.
    """

    features: SpaceChoice = "auto"
    neighbours: tuple[int, ...] = Field(default=(1, 2, 4, 8, 16, 32, 64), min_length=1)
    temperatures: tuple[float, ...] = Field(default=(0.01, 0.02, 0.05, 0.1), min_length=1)
    default_neighbours: int = Field(default=8, gt=0)
    default_temperature: float = Field(default=0.05, gt=0)


class Knn(HeadRecipe[KnnConfig]):
    """Let the nearest training images vote; nothing is trained."""

    version: ClassVar[str] = "2"
    reads_texts: ClassVar[bool] = False
    Config: ClassVar[type[RecipeConfig]] = KnnConfig

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"k": self.config.neighbours, "temperature": self.config.temperatures}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"k": self.config.default_neighbours, "temperature": self.config.default_temperature}

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        train, val = batch.train, batch.val
        # A grid of one point differs between tasks, but then there is no validation, and nothing to vote on.
        k, temperature = [int(v) for v in grid["k"][0].tolist()], grid["temperature"][0].tolist()
        logits = by_rows(
            val.x, train.x, lambda affinity: neighbour_votes(affinity, train.target, train.mask, k, temperature)
        )
        accuracy, nll = quality(logits, val.target, val.mask)

        def build(i: int, j: int) -> NearestNeighbours:
            rows = train.mask[i] > 0
            return NearestNeighbours(
                {"keys": as_float32(train.x[i, rows]), "labels": as_float32(train.labels[i, rows])},
                {"space": batch.space, "n_classes": batch.n_classes, **grid.points(i)[j]},
            )

        return SweepResult(accuracy, nll, build, fitted_values=lambda i, j: {"k": int(grid.points(i)[j]["k"])})

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return NearestNeighbours.restore(directory)
