"""Limited-memory BFGS over a batch of independent problems.

Nocedal and Wright, "Numerical Optimization" (2nd ed.), algorithms 7.4 and 7.5, with a backtracking line search. A step
must meet Armijo's condition or, near the minimum, where losses differ by rounding alone, the approximate Wolfe
conditions of Hager and Zhang, "A New Conjugate Gradient Method with Guaranteed Descent and an Efficient Line Search"
(SIAM Journal on Optimization 2005), which ask the gradient instead. Each problem has its own step and curvature pairs,
so its result does not depend on its neighbours; problems that are done leave the batch.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(parameters (a, p), index (a,) of these problems in the batch) -> (loss (a,), gradient (a, p))."""

_ARMIJO = 1e-4
_FLATTER = 0.9
_ROUNDING = 16
_MAX_HALVINGS = 25


@dataclass(frozen=True)
class Minimum:
    """The solutions of the problems.

    Attributes:
        x: (b, p) parameters.
        loss: (b,) objective values.
        iterations: (b,) iterations taken.
        converged: (b,) the gradient's norm fell below the tolerance. It did not where iterations ran out, or where no
            step makes progress at this precision any more.
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
    scale: Tensor  # (a,), of the preconditioner

    def keep(self, mask: Tensor) -> "_Pair":
        return _Pair(self.step[mask], self.change[mask], self.rho[mask], self.scale[mask])

    def forgotten(self, mask: Tensor) -> "_Pair":
        return _Pair(self.step, self.change, self.rho.masked_fill(mask, 0), self.scale)


def minimise(
    objective: Objective,
    start: Tensor,
    *,
    tolerance: float | Tensor = 1e-5,
    max_iterations: int = 1000,
    history: int = 10,
    preconditioner: Tensor | None = None,
) -> Minimum:
    """Minimise `b` smooth problems at once.

    Args:
        objective: Loss and gradient of the problems at the given index.
        start: (b, p) initial parameters; their dtype and device are used throughout.
        tolerance: A problem is done when the norm of its gradient is at most this; one value, or (b,) values.
        max_iterations: Bound on each problem's iterations.
        history: Curvature pairs kept.
        preconditioner: (b, p) positive, about the diagonal of each inverse Hessian up to a factor; ones where left out.
    """
    result = Minimum(
        start.clone(),
        torch.empty(len(start), dtype=start.dtype, device=start.device),
        torch.zeros(len(start), dtype=torch.int64, device=start.device),
        torch.zeros(len(start), dtype=torch.bool, device=start.device),
    )
    limit = torch.as_tensor(tolerance, dtype=start.dtype, device=start.device).expand(len(start))
    stuck = torch.zeros_like(result.converged)
    active = torch.arange(len(start), device=start.device)
    x = start.clone()
    loss, gradient = objective(x, active)
    pairs: deque[_Pair] = deque(maxlen=history)
    inverse = torch.ones_like(start) if preconditioner is None else preconditioner.clone()

    for iteration in range(max_iterations + 1):
        done = gradient.norm(dim=1) <= limit[active]
        leaving = done | stuck[active] | (iteration == max_iterations)
        if bool(leaving.any()):
            gone, stay = active[leaving], ~leaving
            result.x[gone], result.loss[gone] = x[leaving], loss[leaving]
            result.iterations[gone], result.converged[gone] = iteration, done[leaving]
            active, x, loss, gradient, inverse = (v[stay] for v in (active, x, loss, gradient, inverse))
            pairs = deque((pair.keep(stay) for pair in pairs), maxlen=history)
        if len(active) == 0:
            break
        direction = -_two_loop(gradient, pairs, inverse)
        if not pairs and preconditioner is None:  # The gradient's length says nothing about the step's.
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
        pairs.append(_Pair(step, change, rho, product / _dot(inverse * change, change).clamp(min=1e-300)))
        if not bool(moved.all()):
            # Curvature may have misled it: the gradient alone is tried before a problem is given up.
            tried_alone = torch.ones_like(moved)
            for pair in pairs:
                tried_alone &= pair.rho == 0
            stuck[active[~moved & tried_alone]] = True
            pairs = deque((pair.forgotten(~moved) for pair in pairs), maxlen=history)
        x, loss, gradient = new, new_loss, new_gradient
    return result


def _two_loop(gradient: Tensor, pairs: deque[_Pair], inverse: Tensor) -> Tensor:
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
    q *= scale[:, None] * inverse
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
    """Halve each problem's step until it makes enough progress; the last value tells which problems moved."""

    def enough(size: float | Tensor, new_loss: Tensor, new_gradient: Tensor, of: Tensor | slice) -> Tensor:
        before, along = loss[of], slope[of]
        lower = (new_loss <= before + _ARMIJO * size * along) & (new_loss < before)
        level = new_loss <= before + _ROUNDING * torch.finfo(x.dtype).eps * before.abs()
        return lower | (level & (_dot(new_gradient, direction[of]).abs() <= _FLATTER * along.abs()))

    whole = x + direction
    whole_loss, whole_gradient = objective(whole, active)
    moved = enough(1.0, whole_loss, whole_gradient, slice(None))
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
        fine = enough(size[todo], trial_loss, trial_gradient, todo)
        accepted = todo[fine]
        new[accepted], new_loss[accepted], new_gradient[accepted] = trial[fine], trial_loss[fine], trial_gradient[fine]
        moved[accepted] = True
        size[todo[~fine]] *= 0.5
    return new, new_loss, new_gradient, moved
