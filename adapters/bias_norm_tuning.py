"""Bias and norm tuning: train only the biases, or only the normalisation layers' scales and shifts.

Biases: Ben Zaken et al., "BitFit" (ACL 2022), section 3, all bias terms. Norms: Frankle et al., "Training BatchNorm and
Only BatchNorm" (ICLR 2021); for CLIP's layer norms Li et al., "Vision-Language Model Fine-Tuning via Simple
Parameter-Efficient Modification" (EMNLP 2024). Either is a few thousandths of the weights, and adds no part to the
network.

What differs: the logits are scaled cosines with the class embeddings, as in CLIP, where BitFit trains a new head; batch
norm keeps its stored statistics, since a few shots' own are too noisy; the EMNLP paper's distillation from the frozen
model and its choice of biases in the text tower's projections alone are left out.
"""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

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


class BiasNormTuningSettings(TrainingSettings):
    """Settings of `bias-norm-tuning`.

    Attributes:
        parameters: `norm` (scales and shifts of layer, batch and other norms), `bias` (all biases, those shifts among
            them), or `both`.
        towers: Which towers they belong to.
        learning_rate: Peak; None takes 2e-2 for image towers with batch norm, else 1e-3.
    """

    parameters: Literal["norm", "bias", "both"] = "norm"
    towers: Literal["image", "text", "both"] = "image"
    learning_rate: float | None = Field(default=None, gt=0)


class BiasNormTuning(ClassificationRecipe[BiasNormTuningSettings]):
    """Train norms, biases or both; the best epoch is chosen on validation."""

    Config: ClassVar[type[RecipeConfig]] = BiasNormTuningSettings
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> "TunedClassifier":
        """Train them in a copy of the network."""
        from workbench.plugin import TunedClassifier

        return TunedClassifier.fit(
            task, self.config, self._chosen, learning_rate=self._learning_rate, name="bias-norm-tuning"
        )

    def _learning_rate(self, network: "nn.Module") -> float:
        usual = 2e-2 if self.config.towers != "text" and has_batch_norm(network) else 1e-3
        return self.config.learning_rate or usual

    def _chosen(self, network: "nn.Module") -> "dict[str, nn.Parameter]":
        config = self.config
        norms = {
            f"{name}.{parameter_name}"
            for name, module in network.named_modules()
            if "norm" in type(module).__name__.lower()
            for parameter_name, _ in module.named_parameters(recurse=False)
        }
        towers: tuple[Tower, ...] = ("image", "text") if config.towers == "both" else (config.towers,)
        return {
            name: parameter
            for name, parameter in tower_parameters(network, towers).items()
            if (config.parameters != "bias" and name in norms)
            or (config.parameters != "norm" and name.endswith("bias"))
        }

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        from workbench.plugin import TunedClassifier

        return TunedClassifier.restore(directory, model, device)
