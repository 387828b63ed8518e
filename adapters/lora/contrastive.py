"""The recipe `lora-contrastive`: low-rank adapters for retrieval, matching and grounding."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import field_validator

from adapters.lora.recipe import LoraSettings
from workbench.plugin import (
    DualEncoderPredictor,
    GroundingTask,
    ImageTextRecipe,
    ImageTextTask,
    MatchingTask,
    RecipeConfig,
    RecipeError,
    RetrievalTask,
    TaskModel,
)

if TYPE_CHECKING:
    from workbench.plugin import Tower


class LoraContrastiveSettings(LoraSettings):
    """Settings of `lora-contrastive`; those of `lora` that are not named here mean the same.

    Attributes:
        loss: `contrastive` (CLIP's softmax) or `sigmoid` (SigLIP's), both with several positives. Matching and
            grounding have a softmax over an item's candidates instead, statements a sigmoid.
        scale: Multiplier of cosines at the beginning; None takes the model's own, and 10 for the sigmoid loss.
        flip: Off, since captions and instructions speak of left and right.
        prompts: Without effect: texts are the dataset's own.
    """

    loss: Literal["contrastive", "sigmoid"] = "contrastive"
    flip: bool = False

    @field_validator("micro_batch_size")
    @classmethod
    def _whole_batches(cls, size: int | None) -> int | None:
        if size is not None:
            raise ValueError("every image of a batch is compared with every text, so it cannot be cut into parts")
        return size


class LoraContrastive(ImageTextRecipe[LoraContrastiveSettings]):
    """Train low-rank adapters on images and the texts that belong to them; the best epoch is chosen on validation."""

    Config: ClassVar[type[RecipeConfig]] = LoraContrastiveSettings
    fits: ClassVar[tuple[type[ImageTextTask], ...]] = (RetrievalTask, MatchingTask, GroundingTask)
    reads: ClassVar[Literal["nothing", "features", "images"]] = "images"
    stochastic: ClassVar[bool] = True

    def fit_image_text(self, task: ImageTextTask) -> DualEncoderPredictor:
        """Put adapters in, train them, and keep the best epoch."""
        if not isinstance(task, RetrievalTask | MatchingTask | GroundingTask):
            raise RecipeError(f"lora-contrastive does not do {type(task).__name__}.")
        from adapters.lora.pair_training import PairTraining
        from workbench.plugin import AdaptedModel, Compute, checkpointed, seeded

        if len(task.train) == 0:
            raise RecipeError("lora-contrastive: there are no training images.")
        if not task.train.has_pairs:
            raise RecipeError("lora-contrastive: no training image has a text, so there is nothing to learn from.")
        config = self.config
        towers: tuple[Tower, ...] = ("image", "text") if config.towers == "both" else (config.towers,)
        compute = Compute.resolve(task.device, config.precision, task.model.precision)
        with seeded(task.seed, task.device):
            adapted = AdaptedModel.create(
                task.model, compute, towers, config.targets,
                rank=config.rank, alpha=config.lora_alpha, use_rslora=config.use_rslora, dropout=config.dropout,
            )  # fmt: skip
            with checkpointed(adapted.loaded.network, enabled=config.checkpointing):
                return PairTraining(adapted, towers, task, config, compute).run()

    @classmethod
    def restore_image_text(cls, directory: Path, model: TaskModel, device: str) -> DualEncoderPredictor:
        """See `ImageTextRecipe.restore_image_text`."""
        from adapters.lora.dual_encoder import LoraDualEncoder

        return LoraDualEncoder.restore(directory, model, device)
