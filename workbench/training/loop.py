"""The training loop: AdamW, warm-up and cosine decay, and the best epoch by validation.

It is independent of images, texts and tasks: batches are the arguments of `loss`.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from workbench.errors import RecipeError
from workbench.formatting import format_seconds
from workbench.metrics.formatting import format_value
from workbench.training.abridging import abridgement
from workbench.training.group import Group

_log = logging.getLogger(__name__)
_LOG_SECONDS = 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class Quality:
    """The quality of the current parameters on validation.

    Attributes:
        score: Higher is better; decides which epoch is kept.
        measures: Values to report, by name, the most important first.
    """

    score: float
    measures: Mapping[str, float]


@dataclass(frozen=True)
class TrainingResult:
    """The result of training; the parameters hold the chosen epoch's values.

    Attributes:
        epoch: Whose values were kept, from 1; 0 stands for those before training.
        losses: Mean training loss of each epoch.
        qualities: Validation before training and after each epoch; empty without validation.
        idle: Names of parameters that no gradient ever reached.
    """

    epoch: int
    losses: list[float]
    qualities: list[Quality]
    idle: tuple[str, ...] = ()


def train(
    parameters: Mapping[str, nn.Parameter],
    batches: Callable[[int], Iterable[T]],
    loss: Callable[[T], Tensor],
    *,
    parts: Callable[[T], Iterable[tuple[T, float]]] | None = None,
    epochs: int,
    steps_per_epoch: int,
    learning_rate: float,
    weight_decay: float = 0.0,
    warmup: float = 0.0,
    validate: Callable[[], Quality] | None = None,
    mode: Callable[[bool], object] | None = None,
    patience: int | None = None,
    stop_after: int | None = None,
    optimizer: Literal["adamw", "sgd"] = "adamw",
    group: Group | None = None,
    name: str = "training",
) -> TrainingResult:
    """Minimise a loss; the parameters end as in the epoch that was best on validation.

    The parameters before training compete too, so that training which does harm is not kept. Of epochs with the same
    score the last is kept, whose learning rate had decayed furthest. Without validation it is the last of all.

    Args:
        parameters: Parameters to train, by name.
        batches: Gives the batches of an epoch, counted from 0.
        loss: Mean loss of a batch, differentiable.
        parts: Cuts a batch into parts that are small enough for memory, each with its share of the batch; their
            gradients are added up before a step.
        epochs: Number of epochs; fixes the schedule.
        steps_per_epoch: Batches in each.
        learning_rate: Peak of the schedule.
        weight_decay: The optimiser's; parameters of fewer than two dimensions are not decayed.
        warmup: Share of all steps, see `warmup_cosine`.
        validate: Quality of the present parameters.
        mode: Called with True before each epoch and with False after it, to switch dropout and the like.
        patience: Stop after this many epochs without a higher score.
        stop_after: Stop the same schedule after this many epochs.
        optimizer: `adamw`, or `sgd` with momentum 0.9, which adds weight decay to the gradient.
        group: The processes that have the rest of each batch: `parts` gives this one's, with their shares of the whole.
        name: Prefix of log messages.

    Within `abridged` it takes a few steps only.

    Raises:
        RecipeError: The loss is not finite. It is looked at after each epoch and every few seconds, since a look at it
            in each step would have the device wait.
    """
    last = stop_after or epochs
    extent = abridgement()
    batches, validate, passes = extent.cut(batches, validate, last, steps_per_epoch)
    switch = mode or (lambda _: None)
    judge = _judge(validate, group)
    optimiser = _optimiser(optimizer, parameter_groups(parameters, weight_decay), learning_rate)
    steps = epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmup_cosine(step, steps, warmup))
    losses: list[float] = []
    qualities = [judge()] if judge else []
    best, rose, kept = 0, 0, snapshot(parameters)
    idle: tuple[str, ...] = ()
    began = logged = time.monotonic()
    for epoch in range(1, passes + 1):
        switch(True)
        values: list[Tensor] = []
        checked = time.monotonic()
        for batch in batches(epoch - 1):
            optimiser.zero_grad()
            for part, share in parts(batch) if parts else ((batch, 1.0),):
                value = loss(part) * share
                value.backward()  # type: ignore[no-untyped-call]
                values.append(value.detach())
            if group:
                group.add_gradients(parameters)
            if not losses:
                idle = tuple(key for key, parameter in parameters.items() if parameter.grad is None)
            optimiser.step()
            schedule.step()
            # With others it is looked at where all do: one that stopped would keep them waiting.
            if values and not group and time.monotonic() - checked >= _LOG_SECONDS:
                _check(values[-1], name, epoch, epochs, learning_rate)
                checked = time.monotonic()
        switch(False)
        total = torch.stack(values).cpu().double().sum() if values else torch.zeros((), dtype=torch.float64)
        total = group.total(total) if group else total
        _check(total, name, epoch, epochs, learning_rate)
        losses.append(float(total) / steps_per_epoch)
        if judge:
            qualities.append(judge())
            if qualities[epoch].score > qualities[best].score:
                rose = epoch
            if qualities[epoch].score >= qualities[best].score:
                best, kept = epoch, snapshot(parameters)
        now = time.monotonic()
        if now - logged >= _LOG_SECONDS:
            _log.info("%s", _line(name, epoch, last, losses[-1], qualities[-1] if qualities else None, now - began))
            logged = now
        if judge and patience is not None and epoch - rose >= patience:
            break
    extent.conclude(last, steps_per_epoch)
    if judge:
        restore(parameters, kept)
    return _drawn_out(
        TrainingResult(best if judge else len(losses), losses, qualities, idle), last if passes < last else 0
    )


def _drawn_out(short: TrainingResult, epochs: int) -> TrainingResult:
    """A training that is cut short, as if it had so many epochs.

    Which of them would be kept nobody knows; with the last, what comes after takes longest.
    """
    left = epochs - len(short.losses)
    if left <= 0:
        return short
    qualities = [*short.qualities, *short.qualities[-1:] * left]
    return TrainingResult(epochs, [*short.losses, *short.losses[-1:] * left], qualities, short.idle)


def _judge(validate: Callable[[], Quality] | None, group: Group | None) -> Callable[[], Quality] | None:
    if validate is None or group is None:
        return validate
    return lambda: group.agreed(validate())


def _check(loss: Tensor, name: str, epoch: int, epochs: int, learning_rate: float) -> None:
    if not bool(torch.isfinite(loss)):
        raise RecipeError(
            f"{name}: the training loss became {float(loss.detach())} in epoch {epoch} of {epochs}; lower "
            f"learning_rate (it is {learning_rate:g}) or set precision to fp32."
        )


def snapshot(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Copies of the present values."""
    return {name: parameter.detach().clone() for name, parameter in parameters.items()}


def restore(parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]) -> None:
    """Put values back, in place."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])


def _optimiser(
    kind: Literal["adamw", "sgd"], groups: list[dict[str, object]], learning_rate: float
) -> torch.optim.Optimizer:
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=learning_rate)
    return torch.optim.SGD(groups, lr=learning_rate, momentum=0.9)


def parameter_groups(parameters: Mapping[str, nn.Parameter], weight_decay: float) -> list[dict[str, object]]:
    """The optimiser's groups: matrices, which are decayed, and vectors and numbers, which are not."""
    matrices = [p for p in parameters.values() if p.dim() >= 2]
    vectors = [p for p in parameters.values() if p.dim() < 2]
    groups: list[dict[str, object]] = [{"params": matrices, "weight_decay": weight_decay}]
    return [*groups, {"params": vectors, "weight_decay": 0.0}] if vectors else groups


def _line(name: str, epoch: int, epochs: int, loss: float, quality: Quality | None, seconds: float) -> str:
    measures = quality.measures if quality else {}
    validation = "".join(f", validation {key} {format_value(key, value, unit=True)}" for key, value in measures.items())
    left = seconds / epoch * (epochs - epoch)
    estimate = f", about {format_seconds(left)} left" if epoch < epochs else ""
    return f"{name}: epoch {epoch}/{epochs}, loss {loss:.3f}{validation}{estimate}"


def warmup_cosine(step: int, steps: int, warmup: float = 0.0) -> float:
    """Linear warm-up, then half a cosine down to zero.

    Loshchilov and Hutter, "SGDR" (ICLR 2017), equation 5, without restarts.

    Args:
        step: Steps taken so far, 0..steps.
        steps: Steps in all.
        warmup: Share of `steps` during which the rate rises; its first step has a rate above zero.

    Returns:
        Multiplier of the peak learning rate, 0..1.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
