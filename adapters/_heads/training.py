"""Gradient descent on many independent heads at once, each stopped where its validation is best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from adapters._heads.choice import Selection, best

Parameters = tuple[Tensor, ...]
"""Each of shape (b, h, ...): one head for each task and grid point."""

Step = Callable[[Parameters, int], Parameters]
Assess = Callable[[Parameters], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Curves:
    """Validation scores during training.

    Attributes:
        steps: The T numbers of steps after which heads were scored.
        accuracy: (b, h, T).
        nll: (b, h, T).
    """

    steps: tuple[int, ...]
    accuracy: Tensor
    nll: Tensor

    def best(self, selection: Selection) -> Tensor:
        """Index of each head's best number of steps, (b, h)."""
        return best(self.accuracy.flatten(0, 1), self.nll.flatten(0, 1), selection).view(self.accuracy.shape[:2])


@dataclass(frozen=True)
class TrainedHeads:
    """Each head after its best number of steps.

    Attributes:
        parameters: The heads.
        steps: (b, h) steps taken.
        accuracy: (b, h) on validation.
        nll: (b, h) on validation.
        curves: The scores after all numbers of steps; None where the number was given.
    """

    parameters: Parameters
    steps: Tensor
    accuracy: Tensor
    nll: Tensor
    curves: Curves | None = None


def descend(
    start: Parameters,
    step: Step,
    assess: Assess,
    *,
    steps: int,
    every: int,
    selection: Selection = "nll",
    stop_at: Tensor | None = None,
) -> TrainedHeads:
    """Take steps, and keep each head as it was when it was best on validation; of equals the fewest steps.

    Args:
        start: Initial parameters; a state to choose like any other.
        step: Parameters and number of the step to the next parameters.
        assess: Parameters to accuracy and negative log-likelihood, (b, h) each.
        steps: Steps to take.
        every: Steps between assessments.
        selection: The measure that counts first.
        stop_at: (b, h) steps after which to keep the state, instead of a choice.
    """
    current = start
    accuracy, nll = assess(start)
    kept, at = tuple(p.clone() for p in start), torch.zeros_like(accuracy)
    seen = [(0, accuracy, nll)]
    for t in range(1, (steps if stop_at is None else int(stop_at.max())) + 1):
        current = step(current, t - 1)
        if stop_at is not None:
            _keep(kept, at, current, stop_at == t, t)
        elif t % every == 0 or t == steps:
            seen.append((t, *assess(current)))
            curves = _curves(seen)
            _keep(kept, at, current, curves.best(selection) == len(seen) - 1, t)
    if stop_at is not None:
        return TrainedHeads(kept, at, accuracy, nll)
    curves = _curves(seen)
    index = curves.best(selection)[..., None]
    return TrainedHeads(kept, at, curves.accuracy.gather(2, index)[..., 0], curves.nll.gather(2, index)[..., 0], curves)


def _curves(seen: Sequence[tuple[int, Tensor, Tensor]]) -> Curves:
    steps, accuracy, nll = zip(*seen, strict=True)
    return Curves(steps, torch.stack(accuracy, dim=2), torch.stack(nll, dim=2))


def _keep(kept: Parameters, at: Tensor, current: Parameters, which: Tensor, t: int) -> None:
    for saved, new in zip(kept, current, strict=True):
        saved[which] = new[which]
    at[which] = t


class Adam:
    """Full-batch steps of Adam with a cosine schedule; the gradient of a head sees its own loss only.

    Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015), algorithm 1.

    Args:
        loss: Parameters to (b, h) losses.
        learning_rate: At the first step, one for all or (b, h); it falls to 0 after `steps` steps.
        steps: Length of the schedule.
        epsilon: Added to the root of the second moment.
        by_norm: The second moment is that of each parameter's whole gradient's norm, not of its entries: a step then is
            the same in every basis, and at most as long as the learning rate.
    """

    def __init__(
        self,
        loss: Callable[[Parameters], Tensor],
        *,
        learning_rate: float | Tensor,
        steps: int,
        epsilon: float = 1e-8,
        by_norm: bool = False,
    ) -> None:
        self._loss = loss
        self._rate = learning_rate
        self._steps = steps
        self._epsilon = epsilon
        self._by_norm = by_norm
        self._moments: list[tuple[Tensor, Tensor]] = []

    def __call__(self, parameters: Parameters, t: int) -> Parameters:
        """The parameters after step `t`, counted from 0."""
        if not self._moments:
            self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        rate = torch.as_tensor(self._rate).to(parameters[0])
        rate = rate.expand(parameters[0].shape[:2]) * (1 + cos(pi * t / self._steps)) / 2
        updated = []
        for p, gradient, (first, second) in zip(
            parameters, gradients(self._loss, parameters), self._moments, strict=True
        ):
            first.mul_(0.9).add_(gradient, alpha=0.1)
            square = gradient.square()
            if self._by_norm:
                square = (
                    square.flatten(2).sum(dim=2).view(*square.shape[:2], *[1] * (square.ndim - 2)).expand_as(square)
                )
            second.mul_(0.999).add_(square, alpha=0.001)
            size = second.sqrt().div_((1 - 0.999 ** (t + 1)) ** 0.5).add_(self._epsilon)
            parameter_rate = rate.view(*rate.shape, *[1] * (p.ndim - 2))
            updated.append(p - parameter_rate / (1 - 0.9 ** (t + 1)) * first / size)
        return tuple(updated)


def gradients(loss: Callable[[Parameters], Tensor], parameters: Parameters) -> Sequence[Tensor]:
    """Gradient of each head's loss; the sum keeps them apart, since no head enters another's loss."""
    with torch.enable_grad():
        leaves = tuple(p.detach().requires_grad_() for p in parameters)
        return torch.autograd.grad(loss(leaves).sum(), leaves)


def cross_entropy(logits: Tensor, target: Tensor, count: Tensor) -> Tensor:
    """Mean cross-entropy of each head, (b, h).

    Args:
        logits: (b, h, n, n_classes).
        target: (b, n, n_classes) one-hot, zero in padding, which therefore adds nothing.
        count: (b,) images.
    """
    return -(logits.log_softmax(dim=3) * target[:, None]).sum(dim=(2, 3)) / count[:, None]


def columns(x: Tensor, weight: Tensor) -> Tensor:
    """(b, n, d) features and (b, h, n_classes, d) weights to (b, h, n, n_classes), in one product a task."""
    b, h, c, d = weight.shape
    product = x @ weight.reshape(b, h * c, d).mT
    return product.reshape(b, x.shape[1], h, c).transpose(1, 2)
