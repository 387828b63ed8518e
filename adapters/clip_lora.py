"""CLIP-LoRA: the settings of `lora` with one choice for all datasets and shots.

Zanella and Ben Ayed, "Low-Rank Few-Shot Adaptation of Vision-Language Models" (CVPR Workshops 2024), section 4: rank 2
on the query, key and value layers of every block of both towers, dropout 0.25 on the adapters' inputs, AdamW at 2e-4
without warm-up, batches of 32, the first template, crops down to 8 % of the area. As in the published code adapters are
multiplied by 1 / sqrt(rank), whatever the rank.

What differs from the published code:

- it trains for 500 steps a shot, however many classes there are, and keeps the last; so does the preset `paper`. The
  default, `quick`, is as long as the other recipes are, and validation chooses the epoch;
- the learning rate falls to 0, not to 1e-6;
- fused layers (timm's `qkv`) get one adapter, not three;
- a tower without attention, of which the paper knows none, gets `lora`'s own targets and learning rate.
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adapters._presets import PresetConfig
from adapters.lora import Lora, LoraSettings
from workbench.plugin import ClassificationTask, RecipeConfig

if TYPE_CHECKING:
    from workbench.plugin import FixedBudget


class ClipLoraSettings(LoraSettings, PresetConfig):
    """Settings of `clip-lora`: those of `lora` with other defaults; `learning_rate` takes 2e-4 in place of 5e-4.

    The preset `paper` trains for 500 steps a shot (images a class, where all of training is used), or for `epochs`
    where they are given, and keeps the last epoch.
    """

    rank: int = Field(default=2, ge=1)
    alpha: float | None = Field(default=1.0, gt=0)
    use_rslora: bool = True
    dropout: float = Field(default=0.25, ge=0, lt=1)
    towers: Literal["image", "text", "both"] = "both"
    targets: Literal["query-key-value"] | tuple[str, ...] | None = "query-key-value"
    batch_size: int | None = Field(default=32, ge=1)
    warmup: float = Field(default=0.0, ge=0, lt=1)
    min_crop: float = Field(default=0.08, gt=0, le=1)
    prompts: Literal["single", "ensemble", "descriptions", "mix"] = "single"


class ClipLora(Lora):
    """Train low-rank adapters in both towers with the published settings."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = ClipLoraSettings
    linear_rate: ClassVar[float] = 2e-4
    config: ClipLoraSettings

    def budget(self, task: ClassificationTask) -> "FixedBudget | None":
        """See `Lora.budget`."""
        from workbench.plugin import FixedBudget

        if self.config.preset == "quick":
            return None
        if self.config.epochs is not None:
            return FixedBudget(epochs=self.config.epochs)
        return FixedBudget(steps=500 * (task.shots or max(1, round(len(task.train) / task.n_classes))))
