"""The recipe `lora`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    Predictor,
    RecipeConfig,
    RecipeError,
    TaskModel,
    TrainingSettings,
)

if TYPE_CHECKING:
    from adapters.lora.classifier import LoraClassifier
    from workbench.plugin import FixedBudget, Tower


class LoraSettings(TrainingSettings):
    """Settings of `lora`.

    Attributes:
        rank: Rank of the adapters.
        alpha: Adapters are multiplied by alpha / rank, or with `use_rslora` by alpha / sqrt(rank). None takes what
            makes that 1.
        use_rslora: Divide alpha by the square root of the rank, so that larger ranks do not learn more slowly
            (Kalajdzievski, "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA", 2023).
        dropout: On the adapters' inputs, 0..1.
        towers: Which towers get adapters.
        targets: Names, ends or wildcard patterns of the layers to adapt (`q_proj`, `mlp.c_fc`, `visual.*.conv_pw`).
            `query-key-value` takes those layers of attention; None takes all linear layers of attention, 1x1
            convolutions, and the projection where it is a layer.
        learning_rate: Peak; None takes 2e-3 where 1x1 convolutions are adapted, else the recipe's own: 5e-4.
    """

    rank: int = Field(default=8, ge=1)
    alpha: float | None = Field(default=None, gt=0)
    use_rslora: bool = False
    dropout: float = Field(default=0.0, ge=0, lt=1)
    towers: Literal["image", "text", "both"] = "image"
    targets: Literal["query-key-value"] | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    learning_rate: float | None = Field(default=None, gt=0)

    @property
    def lora_alpha(self) -> float:
        """Alpha as peft takes it."""
        if self.alpha is not None:
            return self.alpha
        return self.rank**0.5 if self.use_rslora else float(self.rank)


class LoraFineTuneSettings(LoraSettings):
    """Settings of `lora`: those of `LoraSettings`, and how far to go back.

    Attributes:
        wise_alphas: Shares of the adapted weights, of which validation chooses; one alone is taken as it is. WiSE-FT
            (Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models", CVPR 2022, equation 1): 0 is the pretrained
            model, 1 plain LoRA.
        default_wise_alpha: Taken of several where there is no validation split.
    """

    wise_alphas: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(default=(1.0,), min_length=1)
    default_wise_alpha: float = Field(default=0.5, ge=0, le=1)


class Lora(ClassificationRecipe[LoraSettings]):
    """Train low-rank adapters; the best epoch, and how far to go to it, are chosen on validation."""

    Config: ClassVar[type[RecipeConfig]] = LoraFineTuneSettings
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    masks_labels: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    scores_by_text: ClassVar[bool] = True
    linear_rate: ClassVar[float] = 5e-4
    convolutional_rate: ClassVar[float] = 2e-3

    def fit(self, task: ClassificationTask) -> "LoraClassifier":
        """Put adapters in, train them, and keep the best epoch."""
        from adapters.lora.classifier import LoraClassifier
        from workbench.plugin import AdaptedModel, Compute, fine_tune, seeded

        if len(task.train) == 0:
            raise RecipeError("lora: there are no training images.")
        config = self.config
        line = config if isinstance(config, LoraFineTuneSettings) else LoraFineTuneSettings()
        towers: tuple[Tower, ...] = ("image", "text") if config.towers == "both" else (config.towers,)
        compute = Compute.resolve(task.device, config.precision, task.model.precision)
        with seeded(task.seed, task.device):
            adapted = AdaptedModel.create(
                task.model, compute, towers, config.targets,
                rank=config.rank, alpha=config.lora_alpha, use_rslora=config.use_rslora, dropout=config.dropout,
            )  # fmt: skip
            usual = self.convolutional_rate if adapted.convolutional else self.linear_rate
            tuned = fine_tune(
                adapted.loaded, adapted.parameters(), task, config, compute,
                learning_rate=config.learning_rate or usual,
                image="image" in towers, text="text" in towers, mode=adapted.train_dropout,
                # A weight is W + B A, so that B alone takes it straight from W to what was learned.
                alphas=line.wise_alphas, default_alpha=line.default_wise_alpha, goes_back=lambda name: "lora_B" in name,
                budget=self.budget(task), name="lora",
            )  # fmt: skip
        return LoraClassifier(
            adapted, "image" in towers, compute, tuned.classes,
            scale=tuned.scale, bias=tuned.bias, report=tuned.report,
        )  # fmt: skip

    def budget(self, task: ClassificationTask) -> "FixedBudget | None":  # noqa: ARG002
        """A fixed length of training; None lets validation choose the epoch."""
        return None

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        from adapters.lora.classifier import LoraClassifier

        return LoraClassifier.restore(directory, model, device)
