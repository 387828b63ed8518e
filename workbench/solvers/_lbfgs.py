"""Limited-memory BFGS over a batch of independent problems.

Nocedal and Wright, "Numerical Optimization" (2nd ed.), algorithms 7.4 and 7.5, with a backtracking (Armijo) line
search. Each problem has its own step and curvature pairs, so its result does not depend on its neighbours; problems
that are done leave the batch.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(parameters (a, p), index (a,) of these problems in the batch) -> (loss (a,), gradient (a, p))."""

_ARMIJO = 1e-4
_MAX_HALVINGS = 25


@dataclass(frozen=True)
class Minimum:
    """Where the problems ended.

    Attributes:
        x: (b, p) parameters.
        loss: (b,) objective values.
        iterations: (b,) iterations taken.
        converged: (b,) the gradient fell below the tolerance, or no step decreases the loss at this precision.
    """

    x: Tensor
    loss: Tensor
    iterations: Tensor
    converged: Tensor


@dataclass(frozen=True)
class _Pair:
    step: Tensor  # (a, p)
    change: Tensor  # (a, p), of the gradient
    rho: Tensor  # (a,), 1 / (step . change); 0 where the pair is not usable
    scale: Tensor  # (a,), of the initial inverse Hessian

    def keep(self, mask: Tensor) -> "_Pair":
        return _Pair(self.step[mask], self.change[mask], self.rho[mask], self.scale[mask])


def minimise(
    objective: Objective, start: Tensor, *, tolerance: float = 1e-5, max_iterations: int = 1000, history: int = 10
) -> Minimum:
    """Minimise `b` smooth problems at once.

    Args:
        objective: Loss and gradient of the problems at the given index.
        start: (b, p) initial parameters; their dtype and device are used throughout.
        tolerance: A problem is done when the largest absolute entry of its gradient is at most this.
        max_iterations: Bound on each problem's iterations.
        history: Curvature pairs kept.
    """
    result = Minimum(
        start.clone(),
        torch.empty(len(start), dtype=start.dtype, device=start.device),
        torch.zeros(len(start), dtype=torch.int64, device=start.device),
        torch.zeros(len(start), dtype=torch.bool, device=start.device),
    )
    active = torch.arange(len(start), device=start.device)
    x = start.clone()
    loss, gradient = objective(x, active)
    pairs: deque[_Pair] = deque(maxlen=history)

    for iteration in range(max_iterations + 1):
        done = gradient.abs().amax(dim=1) <= tolerance
        out_of_time = torch.full_like(done, iteration == max_iterations)
        leaving = done | out_of_time
        if bool(leaving.any()):
            gone, stay = active[leaving], ~leaving
            result.x[gone], result.loss[gone] = x[leaving], loss[leaving]
            result.iterations[gone], result.converged[gone] = iteration, done[leaving]
            active, x, loss, gradient = active[stay], x[stay], loss[stay], gradient[stay]
            pairs = deque((pair.keep(stay) for pair in pairs), maxlen=history)
        if len(active) == 0:
            break
        direction = -_two_loop(gradient, pairs)
        if not pairs:  # Without curvature the gradient's length says nothing about the step's.
            direction = direction / gradient.norm(dim=1, keepdim=True).clamp(min=1.0)
        slope = _dot(direction, gradient)
        uphill = slope >= 0
        if bool(uphill.any()):
            direction = torch.where(uphill[:, None], -gradient, direction)
            slope = torch.where(uphill, -_dot(gradient, gradient), slope)

        new, new_loss, new_gradient, moved = _search(objective, active, x, loss, gradient, direction, slope)
        step, change = new - x, new_gradient - gradient
        product, length = _dot(step, change), _dot(change, change)
        usable = moved & (product > torch.finfo(x.dtype).eps * length)
        rho = torch.where(usable, 1 / product.clamp(min=1e-30), torch.zeros_like(product))
        pairs.append(_Pair(step, change, rho, product / length.clamp(min=1e-30)))
        # A problem that no step improves is at its minimum as far as this precision can tell.
        new_gradient[~moved] = 0
        x, loss, gradient = new, new_loss, new_gradient
    return result


def _two_loop(gradient: Tensor, pairs: deque[_Pair]) -> Tensor:
    """Algorithm 7.4: the inverse Hessian's approximation times the gradient."""
    q = gradient.clone()
    alphas = []
    for pair in reversed(pairs):
        alpha = pair.rho * _dot(pair.step, q)
        q.addcmul_(alpha[:, None], pair.change, value=-1)
        alphas.append(alpha)
    scale = torch.ones_like(gradient[:, 0])
    for pair in pairs:  # The newest usable pair sets the scale.
        scale = torch.where(pair.rho > 0, pair.scale, scale)
    q *= scale[:, None]
    for pair, alpha in zip(pairs, reversed(alphas), strict=True):
        beta = pair.rho * _dot(pair.change, q)
        q.addcmul_((alpha - beta)[:, None], pair.step)
    return q


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Dot products of the rows, without a copy of their elementwise product."""
    return torch.bmm(a[:, None], b[:, :, None])[:, 0, 0]


def _search(
    objective: Objective, active: Tensor, x: Tensor, loss: Tensor, gradient: Tensor, direction: Tensor, slope: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Halve each problem's step until its loss decreases enough; the last value tells which problems moved."""
    whole = x + direction
    whole_loss, whole_gradient = objective(whole, active)
    moved = (whole_loss <= loss + _ARMIJO * slope) & (whole_loss < loss)
    if bool(moved.all()):
        return whole, whole_loss, whole_gradient, moved
    kept = moved[:, None]
    new, new_gradient = torch.where(kept, whole, x), torch.where(kept, whole_gradient, gradient)
    new_loss = torch.where(moved, whole_loss, loss)
    size = torch.full_like(loss, 0.5)
    for _ in range(_MAX_HALVINGS - 1):
        todo = torch.nonzero(~moved).squeeze(1)
        if len(todo) == 0:
            break
        trial = x[todo] + size[todo, None] * direction[todo]
        trial_loss, trial_gradient = objective(trial, active[todo])
        enough = trial_loss <= loss[todo] + _ARMIJO * size[todo] * slope[todo]
        enough &= trial_loss < loss[todo]
        accepted = todo[enough]
        new[accepted], new_loss[accepted], new_gradient[accepted] = (
            trial[enough],
            trial_loss[enough],
            trial_gradient[enough],
        )
        moved[accepted] = True
        size[todo[~enough]] *= 0.5
    return new, new_loss, new_gradient, moved
