"""Epochs of minibatches, as published training scripts have them, for many tasks side by side.

Each task is shuffled by its seed and has its number of steps; a task whose steps are done does not change any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

import torch
from torch import Tensor

from adapters._heads.batches import PaddedImages
from adapters._heads.training import Parameters, TrainedHeads, gradients

Loss = Callable[[Parameters, PaddedImages], Tensor]
"""Parameters and a batch to (b, h) losses."""


@dataclass(frozen=True)
class Budget:
    """The training budget and optimiser of a published script.

    Attributes:
        epochs: Passes over the images.
        batch_size: Images a step.
        optimizer: `sgd` has momentum 0.9; `adam` and `sgd` add weight decay to the gradient, `adamw` does not.
        weight_decay: See `optimizer`.
        epsilon: Adam's.
        warmup: The first epoch has this rate, and the cosine falls by epochs; None falls by steps from the first on.
    """

    epochs: int
    batch_size: int
    optimizer: Literal["adam", "adamw", "sgd"]
    weight_decay: float = 0.0
    epsilon: float = 1e-8
    warmup: float | None = None


class Epochs:
    """The steps of a budget; callable as `descend` takes it.

    Args:
        train: Images to fit.
        seeds: The tasks' seeds.
        budgets: The tasks' budgets; of the first, all but `epochs` applies to every task.
        learning_rate: (b, h) or one for all.
        loss: The loss to minimise.

    Attributes:
        steps: (b,) numbers of steps.
    """

    def __init__(
        self,
        train: PaddedImages,
        seeds: Sequence[int],
        budgets: Sequence[Budget],
        learning_rate: float | Tensor,
        loss: Loss,
    ) -> None:
        self._train = train
        self._loss = loss
        self._rate = learning_rate
        self._budget = budgets[0]
        self._epochs = [budget.epochs for budget in budgets]
        self._counts = [int(n) for n in train.mask.sum(dim=1)]
        self._draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._steps_per_epoch = [max(1, -(-n // self._budget.batch_size)) for n in self._counts]
        self._orders = [torch.arange(n) for n in self._counts]
        self.steps = torch.tensor([e * m for e, m in zip(self._epochs, self._steps_per_epoch, strict=True)])
        self._moments: list[tuple[Tensor, Tensor]] = []

    def __call__(self, parameters: Parameters, t: int) -> Parameters:
        """The parameters after step `t`, counted from 0."""
        minibatch = self._minibatch(t)
        rates = torch.tensor([self._factor(i, t) for i in range(len(self._counts))], dtype=torch.float64)
        running = (rates > 0).to(minibatch.mask.device)
        peak = torch.as_tensor(self._rate, dtype=torch.float64, device=minibatch.mask.device)
        rate = peak.expand(parameters[0].shape[:2]) * rates.to(peak.device)[:, None]
        if self._budget.warmup is not None:
            first = torch.tensor([t < m for m in self._steps_per_epoch], device=peak.device)
            rate = torch.where(first[:, None], self._budget.warmup, rate)
        if not self._moments:
            self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        grads = gradients(lambda values: self._loss(values, minibatch), parameters)
        return tuple(
            self._moved(p, gradient, moments, rate, running, t)
            for p, gradient, moments in zip(parameters, grads, self._moments, strict=True)
        )

    def _moved(
        self, p: Tensor, gradient: Tensor, moments: tuple[Tensor, Tensor], rate: Tensor, running: Tensor, t: int
    ) -> Tensor:
        budget, (first, second) = self._budget, moments
        rate = rate.view(*rate.shape, *[1] * (p.ndim - 2))
        decayed = p
        if budget.optimizer == "adamw":
            decayed = p * (1 - rate * budget.weight_decay)
        elif budget.weight_decay:
            gradient = gradient + budget.weight_decay * p
        if budget.optimizer == "sgd":
            first.mul_(0.9).add_(gradient)
            moved = decayed - rate * first
        else:
            first.lerp_(gradient, 0.1)
            second.lerp_(gradient.square(), 0.001)
            size = (second / (1 - 0.999 ** (t + 1))).sqrt() + budget.epsilon
            moved = decayed - rate / (1 - 0.9 ** (t + 1)) * first / size
        return torch.where(running.view(-1, *[1] * (p.ndim - 1)), moved, p)

    def _factor(self, i: int, t: int) -> float:
        """Share of the peak rate of task `i` at step `t`; 0 when it is done."""
        epochs, steps = self._epochs[i], self._steps_per_epoch[i]
        if t >= epochs * steps:
            return 0.0
        if self._budget.warmup is None:
            return (1 + cos(pi * t / (epochs * steps))) / 2
        return (1 + cos(pi * max(0, t // steps - 1) / epochs)) / 2

    def _minibatch(self, t: int) -> PaddedImages:
        """The images of step `t`; all of them, in their places, where no task has more than one batch."""
        if max(self._steps_per_epoch) == 1:
            return self._train
        size = min(self._budget.batch_size, max(self._counts))
        index = torch.zeros(len(self._counts), size, dtype=torch.int64)
        mask = torch.zeros(len(self._counts), size, dtype=torch.float64)
        for i, (steps, draw) in enumerate(zip(self._steps_per_epoch, self._draws, strict=True)):
            if t % steps == 0:
                self._orders[i] = torch.randperm(self._counts[i], generator=draw)
            rows = self._orders[i][t % steps * self._budget.batch_size :][:size]
            index[i, : len(rows)], mask[i, : len(rows)] = rows, 1
        index, mask = index.to(self._train.x.device), mask.to(self._train.x.device)
        task = torch.arange(len(index), device=index.device)[:, None]

        def gather(values: Tensor) -> Tensor:
            return values[task, index] * mask[..., None]

        return PaddedImages(gather(self._train.x), gather(self._train.target), mask, gather(self._train.text_logits))


def run_epochs(
    epochs: Epochs, start: Parameters, assess: Callable[[Parameters], tuple[Tensor, Tensor]]
) -> TrainedHeads:
    """Train to the end, as published code does, and say how good that is on validation."""
    parameters = start
    for t in range(int(epochs.steps.max())):
        parameters = epochs(parameters, t)
    accuracy, nll = assess(parameters)
    return TrainedHeads(parameters, epochs.steps.to(nll.device)[:, None].expand_as(nll), accuracy, nll)
