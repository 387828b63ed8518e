"""Linear probe that starts from the class names: logistic regression whose penalty pulls towards the zero-shot weights.

The text-initialised linear probe of Silva-Rodriguez et al., "A Closer Look at the Few-Shot Adaptation of Large
Vision-Language Models" (CVPR 2024), called ZS-LP there, with the pull towards the initial weights that Li et al.,
"Explicit Inductive Bias for Transfer Learning" (ICML 2018), call L2-SP: minimise the mean cross-entropy plus penalty
/ 2 * ||W - text_weight * scale * T||^2, where T are the class embeddings. Differences: initial weights alone are
forgotten by a convex problem solved to convergence, so the penalty keeps them; weights are not normalised, which
makes it convex; a bias, without penalty, is fitted; the learned difference may act on pooled features while text acts
on projected ones; penalty and text weight are chosen on validation, and text weight 0 is the plain probe.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from adapters._heads.anchored import sweep_anchored
from adapters._heads.batches import TaskBatch
from adapters._heads.choice import SearchGrid, Setting
from adapters._heads.config import SolvedConfig, SpaceChoice
from adapters._heads.few_shot import FewShot
from adapters._heads.recipe import HeadRecipe, SweepPlan
from adapters._heads.sweep import SweepResult
from adapters.nearest_class_mean import space_of_class_means
from workbench.plugin import RecipeConfig


class LinearProbeTextConfig(SolvedConfig):
    """Settings of `linear-probe-text`.

    Attributes:
        features: `pooled`, `projected`, or `auto`: where nearest class means are better on validation. Of what is
            learned; text is always projected.
        text_weights: Multipliers of the zero-shot weights; 0 leaves text out.
        penalties: L2 penalties on the mean loss.
        default_penalty: Used, with text weight 1, where there is no validation split.
    """

    features: SpaceChoice = "auto"
    text_weights: tuple[float, ...] = Field(default=(1.0, 0.3, 0.1), min_length=1)
    penalties: tuple[float, ...] = Field(default=(1e-1, 1e-2, 1e-3, 1e-4, 1e-5), min_length=1)
    default_penalty: float = Field(default=1e-4, gt=0)


class LinearProbeText(HeadRecipe[LinearProbeTextConfig]):
    """Fit a linear classifier that stays near the class names' embeddings."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = LinearProbeTextConfig
    unseen: ClassVar[bool] = True

    def axes(self) -> Mapping[str, Sequence[float]]:
        """See `HeadRecipe.axes`."""
        return {"text_weight": self.config.text_weights, "penalty": self.config.penalties}

    def defaults(self) -> Setting:
        """See `HeadRecipe.defaults`."""
        return {"text_weight": 1.0, "penalty": self.config.default_penalty}

    def plan_sweep(self, shots: Sequence[FewShot]) -> Sequence[SweepPlan]:
        """See `HeadRecipe.plan_sweep`."""
        return space_of_class_means(shots, self._spaces(), self.config.selection)

    def sweep(self, batch: TaskBatch, grid: SearchGrid) -> SweepResult:
        """See `HeadRecipe.sweep`."""
        return sweep_anchored(
            batch,
            grid,
            grid["penalty"],
            tolerance=self.config.tolerance_of(grid),
            iterations=self.config.max_iterations,
        )
