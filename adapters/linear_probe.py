"""Linear probe: L2-regularised multinomial logistic regression on frozen features.

Radford et al. (ICML 2021), section 3.2 and appendix A.3. The penalty is swept on a logarithmic grid, and penalty and
features (pooled, or projected into the joint space) are chosen by validation accuracy. Features have unit norm, which
the paper's code leaves out; it makes one grid fit every model. The sweep stops early at each penalty, and what it
chooses is then solved to convergence.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from adapters._heads.batches import TaskBatch
from adapters._heads.choice import SearchGrid, Setting, quality
from adapters._heads.config import SolvedConfig, SpaceChoice
from adapters._heads.convex import solve
from adapters._heads.few_shot import FewShot
from adapters._heads.large_images import LargeImages
from adapters._heads.objective import Problems
from adapters._heads.predictors import Space, as_float32
from adapters._heads.recipe import HeadRecipe
from adapters._heads.span import span
from adapters._heads.streamed import StreamedProblem
from adapters._heads.sweep import SweepResult
from workbench.plugin import LinearClassifier, Predictor, RecipeConfig, TaskModel


class LinearProbeConfig(SolvedConfig):
    """Settings of `linear-probe`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: validation chooses.
        penalties: Grid of L2 penalties on the mean loss; scikit-learn's C is 1 / (penalty * n).
        default_penalty: Used where there is no validation split.
    """

    features: SpaceChoice = "auto"
    penalties: tuple[float, ...] = Field(
        default=tuple(float(f"{10.0**e:.3g}") for e in np.arange(-8, 0.1, 1)), min_length=1
    )
    default_penalty: float = Field(default=1e-4, gt=0)
    max_iterations: int = Field(default=2000, gt=0)


class LinearProbe(HeadRecipe[LinearProbeConfig]):
    """Fit a linear classifier on frozen image features."""

    version: ClassVar[str] = "4"
    reads_texts: ClassVar[bool] = False
    Config: ClassVar[type[RecipeConfig]] = LinearProbeConfig
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`; of equal candidates the one with the larger penalty is the simpler."""
        return {"penalty": sorted(self.config.penalties, reverse=True)}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"penalty": self.config.default_penalty}

    def remarks(self, setting: Setting) -> tuple[str, ...]:
        """See `HeadRecipe.remarks`."""
        penalties, penalty = self.config.penalties, setting["penalty"]
        if len(penalties) > 1 and penalty in {min(penalties), max(penalties)}:
            return (f"Validation chose the end of the grid of penalties ({penalty:g}).",)
        return ()

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        train, val = batch.train, batch.val
        reduced = span(train, val, centre=True)
        importance = (train.mask / train.count[:, None])[:, None]
        problems = Problems(
            reduced.train, train.target.nan_to_num(), importance, multi_label=batch.multi_label, known=train.known
        )
        config = self.config
        solutions = solve(
            problems, grid["penalty"], tolerance=config.tolerance_of(grid), iterations=config.max_iterations
        )
        accuracy, nll = quality(
            solutions.logits(reduced.val)[:, 0], val.target, val.mask, multi_label=batch.multi_label
        )

        def build(i: int, j: int) -> LinearClassifier:
            weight, bias = reduced.weights(i, solutions.weight[i, 0, j], solutions.bias[i, 0, j])
            return LinearClassifier(as_float32(weight), as_float32(bias), space=batch.space)

        size = batch.n_classes * (train.x.shape[2] + 1)
        return SweepResult(accuracy, nll, build, parameters=lambda _: size, converged=solutions.converged[:, 0])

    def sweep_streamed(self, shot: FewShot, space: Space, grid: SearchGrid) -> SweepResult | None:
        """See `HeadRecipe.sweep_streamed`; the optimum is that of `sweep`."""
        train, val = shot.train, shot.val
        if not isinstance(train, LargeImages) or not isinstance(val, LargeImages):
            return None
        multi_label, penalties = shot.task.multi_label, grid["penalty"][0].tolist()
        solutions = StreamedProblem(train, space, multi_label=multi_label).solve(
            penalties, tolerance=self.config.tolerance_of(grid), iterations=self.config.max_iterations
        )
        accuracy, nll = solutions.quality(val, space, multi_label=multi_label)

        def build(_: int, j: int) -> LinearClassifier:
            return LinearClassifier(as_float32(solutions.weight[j]), as_float32(solutions.bias[j]), space=space)

        size = solutions.weight[0].numel() + solutions.bias[0].numel()
        return SweepResult(
            accuracy[None], nll[None], build, parameters=lambda _: size, converged=solutions.converged[None]
        )

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:  # noqa: ARG003
        """See `ClassificationRecipe.restore`."""
        return LinearClassifier.restore(directory)
