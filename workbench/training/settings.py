"""The settings that every recipe has which trains a network."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from workbench.recipes import RecipeConfig


class OptimisationSettings(RecipeConfig):
    """Settings of AdamW and of the length of training.

    Learning rates differ from method to method, so each recipe has its own.

    Attributes:
        weight_decay: AdamW's decoupled weight decay.
        epochs: Passes over the training images; None takes 12, or as many as make `min_steps` where images are few.
        min_steps: Least number of steps where `epochs` is None.
        patience: Epochs without a better validation after which training stops; None trains to the end.
        batch_size: Most images a step; an epoch is split evenly. None takes n / 32, within 16..128.
        warmup: Share of all steps (0..1) during which the learning rate rises.
        label_smoothing: Share of the target (0..1) spread over all classes; single-label tasks only.
        scale: Multiplier of cosine similarities; None takes the model's own logit scale.
        precision: `auto` follows the run's `--precision`; weights and optimiser are fp32 in any case. fp16, which would
            need loss scaling, is replaced by bf16 where the device has it, else by fp32.
    """

    weight_decay: float = Field(default=0.01, ge=0)
    epochs: int | None = Field(default=None, ge=1)
    min_steps: int = Field(default=60, ge=1)
    patience: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    scale: float | None = Field(default=None, gt=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class TrainingSettings(OptimisationSettings):
    """Settings of optimisation, augmentation and prompts.

    Attributes:
        min_crop: Least share (0..1] of an image's area that a random crop keeps; 1 shows the evaluation view.
        flip: Mirror half of the training images; turn it off where left and right matter, as they may in medicine.
        prompts: Sentences that stand for a class: the first template, all of them, the card's descriptions, or `mix`:
            all templates and the descriptions.
        cache_gib: Memory for decoded images; it changes speed, not results.
        micro_batch_size: Most images that go through the network at a time; gradients are added up to those of the
            batch. None takes the batch whole. It saves memory, and changes results by rounding alone, but for dropout.
        checkpointing: Compute activations again in the backward pass instead of keeping them: less memory, a third more
            time. Networks that cannot are refused.
        compile: Compile the image tower with `torch.compile`, which takes a minute or so and pays on long trainings.
    """

    min_crop: float = Field(default=0.5, gt=0, le=1)
    flip: bool = True
    prompts: Literal["single", "ensemble", "descriptions", "mix"] = "ensemble"
    cache_gib: float = Field(default=2.0, ge=0)
    micro_batch_size: int | None = Field(default=None, ge=1)
    checkpointing: bool = False
    compile: bool = False


@dataclass(frozen=True)
class FixedBudget:
    """Training that validation neither stops nor chooses from: the last epoch is kept, as published code often does.

    Attributes:
        epochs: Passes over the images, or
        steps: Number of steps, rounded up to whole epochs.
        optimizer: `adamw`, or `sgd` with momentum 0.9.
    """

    epochs: int | None = None
    steps: int | None = None
    optimizer: Literal["adamw", "sgd"] = "adamw"
