"""Full fine-tuning with WiSE-FT: train all weights, then go back part of the way to the pretrained ones.

Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models" (CVPR 2022), equation 1: the weights are
(1 - alpha) * pretrained + alpha * fine-tuned. Validation chooses alpha from a grid; 0 is the pretrained model, 1 plain
fine-tuning.

What differs from the published code: the classifier stays the class embeddings of the prompts instead of a layer that
is trained too, so that the result is a dual encoder which can be merged, exported and asked about other classes; one
end of the line is the best epoch on validation, not the last; gradients are not clipped; batch norm keeps its stored
statistics. The paper shows results at a fixed alpha of 0.5 and at the best on test; the former is taken where there is
no validation split, the latter never.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    Predictor,
    RecipeConfig,
    TaskModel,
    TrainingSettings,
    has_batch_norm,
    tower_parameters,
)

if TYPE_CHECKING:
    from torch import nn

    from workbench.plugin import Tower, TunedClassifier


class FullFineTuneSettings(TrainingSettings):
    """Settings of `full-fine-tune`.

    Attributes:
        towers: Which towers are trained.
        learning_rate: Peak; None takes 2e-4 for image towers with batch norm, else the paper's 3e-5.
        alphas: Shares of fine-tuned weights, of which validation chooses; one alone is taken as it is.
        default_alpha: Taken of several where there is no validation split.
    """

    towers: Literal["image", "text", "both"] = "image"
    learning_rate: float | None = Field(default=None, gt=0)
    alphas: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        default=tuple(round(0.1 * step, 1) for step in range(11)), min_length=1
    )
    default_alpha: float = Field(default=0.5, ge=0, le=1)


class FullFineTune(ClassificationRecipe[FullFineTuneSettings]):
    """Train all weights; epoch and share of fine-tuned weights are chosen on validation."""

    Config: ClassVar[type[RecipeConfig]] = FullFineTuneSettings
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> "TunedClassifier":
        """Train a copy of the network, and interpolate."""
        from workbench.plugin import TunedClassifier

        config = self.config
        towers: tuple[Tower, ...] = ("image", "text") if config.towers == "both" else (config.towers,)
        return TunedClassifier.fit(
            task, config, lambda network: tower_parameters(network, towers), learning_rate=self._learning_rate,
            alphas=config.alphas, default_alpha=config.default_alpha, name="full-fine-tune",
        )  # fmt: skip

    def _learning_rate(self, network: "nn.Module") -> float:
        usual = 2e-4 if self.config.towers != "text" and has_batch_norm(network) else 3e-5
        return self.config.learning_rate or usual

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        from workbench.plugin import TunedClassifier

        return TunedClassifier.restore(directory, model, device)
