"""Epochs of AdamW with a cosine schedule; validation decides which epoch is kept."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.arrays import AnyArray
from workbench.errors import RecipeError
from workbench.models.precision import native_bf16

log = logging.getLogger("workbench.training")


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes:
        epochs: Passes over the training images.
        learning_rate: Peak of the cosine.
        weight_decay: AdamW's.
        warmup: Share of all steps with linear warm-up, 0..1.
        steps_per_epoch: Batches an epoch.
        patience: Epochs without a better validation after which training stops; None trains to the end.
    """

    epochs: int
    learning_rate: float
    weight_decay: float
    warmup: float
    steps_per_epoch: int
    patience: int | None = None

    def factor(self, step: int) -> float:
        """Multiplier of the learning rate at a step."""
        total = max(1, self.epochs * self.steps_per_epoch)
        ramp = max(1, round(self.warmup * total))
        if step < ramp:
            return (step + 1) / ramp
        return 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, total - ramp)))


@dataclass(frozen=True)
class Fitted:
    """How training went.

    Attributes:
        best_epoch: The epoch whose weights were kept, from 1; 0 means the weights from before training.
        history: Values per epoch by name.
    """

    best_epoch: int
    history: dict[str, list[float]]


def training_precision(device: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 where the device computes it natively, on fp32 weights; nothing elsewhere."""
    kind = "cuda" if device.startswith("cuda") else "cpu"
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=native_bf16(device))


def fit_epochs(
    parameters: Sequence[nn.Parameter],
    batches: Callable[[int], Iterable[tuple[Tensor, AnyArray]]],
    loss: Callable[[Tensor, AnyArray], Tensor],
    validate: Callable[[], tuple[float, float]] | None,
    schedule: Schedule,
    device: str,
) -> Fitted:
    """Train, and leave the parameters at the best epoch.

    Args:
        parameters: What is trained.
        batches: Epoch number to its batches (pixels on the CPU, indices).
        loss: Pixels on the device and indices to a scalar.
        validate: Gives (accuracy, negative log-likelihood) on validation; None keeps the last epoch. The weights from
            before training take part, so that training never leaves a model worse on validation than it found it.
        schedule: Length and learning rate.
        device: Where to compute.

    Raises:
        RecipeError: The loss is not finite.
    """
    optimiser = torch.optim.AdamW(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule.factor)
    history: dict[str, list[float]] = {"train_loss": []}
    best_epoch, best_quality, best_state = 0, (-1.0, 0.0), _copy(parameters)
    if validate is not None:
        accuracy, nll = validate()
        best_quality = (accuracy, -nll)
        history |= {"val_accuracy": [], "val_nll": []}
    for epoch in range(1, schedule.epochs + 1):
        total, count = 0.0, 0
        for pixels, index in batches(epoch):
            with training_precision(device):
                value = loss(pixels.to(device).contiguous(memory_format=torch.channels_last), index)
            if not bool(torch.isfinite(value)):
                raise RecipeError(f"the training loss is not finite in epoch {epoch}; try a smaller learning_rate.")
            optimiser.zero_grad(set_to_none=True)
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            rate.step()
            total, count = total + float(value.detach()) * len(index), count + len(index)
        history["train_loss"].append(total / max(count, 1))
        line = f"epoch {epoch}/{schedule.epochs}: train loss {history['train_loss'][-1]:.3f}"
        if validate is None:
            best_epoch, best_state = epoch, _copy(parameters)
        else:
            accuracy, nll = validate()
            history["val_accuracy"].append(accuracy)
            history["val_nll"].append(nll)
            line += f", validation accuracy {accuracy:.1%}"
            if (accuracy, -nll) > best_quality:
                best_epoch, best_quality, best_state = epoch, (accuracy, -nll), _copy(parameters)
        log.info(line)
        if validate is not None and schedule.patience is not None and epoch - best_epoch >= schedule.patience:
            break
    with torch.no_grad():
        for parameter, value in zip(parameters, best_state, strict=True):
            parameter.copy_(value)
    return Fitted(best_epoch, history)


def _copy(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in parameters]
