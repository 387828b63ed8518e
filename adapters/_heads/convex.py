"""Regularised logistic regression for many tasks and grid points at once; the objective is that of `objective`.

Penalties are solved from the strongest to the weakest, each starting at the last solution. Features are rotated into
the images' principal axes: curvature along them is known in advance, which saves two thirds of the iterations. Large
tasks are solved in single precision, and double precision checks and, where needed, improves what that finds.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from adapters._heads.objective import (
    Problems,
    gradient_of_nothing,
    inverse_curvature,
    objective,
    principal_axes,
    prior,
)
from workbench.plugin import minimise

_LARGE_TASK = 2**24
"""Images x features x classes from which a task is solved in single precision first, in half the time."""

_LEAST_OF_SINGLE = 1e-5
"""Tolerance from which single precision is enough; double precision checks what it finds."""

_MARGIN = 0.9
"""Share of the tolerance that single precision has to reach, so that rounding does not fail it in the check."""


@dataclass(frozen=True)
class Solutions:
    """Weights at every penalty.

    Attributes:
        weight: (b, t, h, n_classes, r).
        bias: (b, t, h, n_classes).
        converged: (b, t, h).
    """

    weight: Tensor
    bias: Tensor
    converged: Tensor

    def logits(self, z: Tensor) -> Tensor:
        """(b, m, r) features to (b, t, h, m, n_classes), offsets not included."""
        b, r = len(self.weight), self.weight.shape[-1]
        columns = z @ self.weight.reshape(b, -1, r).mT
        return columns.reshape(b, z.shape[1], *self.bias.shape[1:]).permute(0, 2, 3, 1, 4) + self.bias[:, :, :, None]


def solve(
    problems: Problems,
    penalty: Tensor,
    *,
    share: Tensor | None = None,
    tolerance: float = 1e-4,
    iterations: int = 1000,
) -> Solutions:
    """Solve all tasks, variants and penalties.

    Args:
        problems: The tasks.
        penalty: (b, h) positive.
        share: (b, n_classes) multiplies the penalty class by class; 1 where left out.
        tolerance: Norm of the gradient at a solution, relative to that at zero weights: gradients are means over images
            and classes, so the more of these there are, the smaller they are from the start.
        iterations: Bound for each penalty.
    """
    owner = torch.arange(len(problems.z), device=penalty.device).repeat_interleave(problems.weight.shape[1])
    limit = tolerance * gradient_of_nothing(problems, owner)
    if tolerance < _LEAST_OF_SINGLE or problems.z[0].numel() * problems.target.shape[2] < _LARGE_TASK:
        return _solve_path(problems, penalty, share, limit, iterations)
    rough = _solve_path(problems.single(), penalty.float(), share, _MARGIN * limit.float(), iterations)
    found = Solutions(rough.weight.to(problems.z), rough.bias.to(problems.z), rough.converged)
    norms = _gradients(problems, owner, penalty, share, found)
    found = replace(found, converged=norms <= limit.view(*norms.shape[:2], 1))
    if bool(found.converged.all()):
        return found
    return _solve_path(problems, penalty, share, limit, iterations, start=found)


def _solve_path(
    problems: Problems,
    penalty: Tensor,
    share: Tensor | None,
    limit: Tensor,
    iterations: int,
    start: Solutions | None = None,
) -> Solutions:
    """See `solve`; `limit`, (b * t,), bounds the gradients' norms. From `start`, or else each from the one before."""
    b, _, r = problems.z.shape
    t, c = problems.weight.shape[1], problems.target.shape[2]
    owner = torch.arange(b, device=penalty.device).repeat_interleave(t)
    variance, principal = principal_axes(problems)
    problems = replace(problems, z=problems.z @ principal)
    current = torch.cat([problems.z.new_zeros(b * t, r * c), prior(problems)], dim=1)
    weight = problems.z.new_zeros(b, t, penalty.shape[1], c, r)
    bias = problems.z.new_zeros(b, t, penalty.shape[1], c)
    converged = torch.zeros(b, t, penalty.shape[1], dtype=torch.bool, device=penalty.device)
    by_class = _by_class(penalty, share, c)
    # Tasks may order their penalties differently; rank k of each is solved together.
    order = penalty.argsort(dim=1, descending=True)
    rows = torch.arange(b, device=penalty.device)
    for k in range(penalty.shape[1]):
        rank_penalty = by_class[rows, order[:, k]][owner]
        if start is not None:
            at = start.weight[rows, :, order[:, k]] @ principal[:, None], start.bias[rows, :, order[:, k]]
            current = torch.cat([at[0].mT.reshape(b * t, -1), at[1].flatten(0, 1)], dim=1)
        result = minimise(
            objective(problems, owner, rank_penalty),
            current,
            tolerance=limit,
            max_iterations=iterations,
            history=6,
            preconditioner=inverse_curvature(problems, owner, rank_penalty, variance, current),
        )
        current = result.x
        matrix = (principal[:, None] @ result.x[:, : r * c].view(b, t, r, c)).mT
        for i, j in enumerate(order[:, k].tolist()):
            weight[i, :, j], bias[i, :, j] = matrix[i], result.x[:, r * c :].view(b, t, c)[i]
            converged[i, :, j] = result.converged.view(b, t)[i]
    return Solutions(weight, bias, converged)


def _by_class(penalty: Tensor, share: Tensor | None, c: int) -> Tensor:
    """Penalties (b, h) of each class, (b, h, c)."""
    shares = penalty.new_ones(len(penalty), c) if share is None else share.to(penalty)
    return penalty[:, :, None] * shares[:, None]


def _gradients(
    problems: Problems, owner: Tensor, penalty: Tensor, share: Tensor | None, solutions: Solutions
) -> Tensor:
    """Norms of the gradients at the solutions, (b, t, h)."""
    b, t = problems.weight.shape[:2]
    by_class = _by_class(penalty, share, problems.target.shape[2])
    every, norms = torch.arange(b * t, device=penalty.device), []
    for j in range(penalty.shape[1]):
        at = solutions.weight[:, :, j].mT.reshape(b * t, -1), solutions.bias[:, :, j].flatten(0, 1)
        gradient = objective(problems, owner, by_class[:, j][owner])(torch.cat(at, dim=1), every)[1]
        norms.append(gradient.norm(dim=1).view(b, t))
    return torch.stack(norms, dim=2)
