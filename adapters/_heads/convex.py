"""Regularised logistic regression for many tasks and grid points at once.

Minimises, for each task and each of `t` variants of it,

    sum_i weight_i * CE(offset_i + z_i W + bias, target_i) + sum_c penalty_c / 2 * ||W_c||^2.

A class without an image would have its bias at minus infinity. It is left out of the fit instead: its weights are zero,
and its bias is that of a class with a tenth of an image.

Penalties are solved from the strongest to the weakest, each starting at the last solution. Features are rotated into
the images' principal axes: curvature along them is known in advance, which saves two thirds of the iterations.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.plugin import minimise

_LARGE = 2**15
"""Matrices from this size on are multiplied one by one, without copies: each alone keeps the machine busy."""


_LEAST = 0.01
"""Lower bound on the assumed curvature, as a share of the largest."""

_NEVER = -1e9
"""Logit of a class that is left out."""


@dataclass(frozen=True)
class Problems:
    """`b` tasks in `t` variants.

    Attributes:
        z: (b, n, r) features; zero in padding.
        target: (b, n, n_classes) one-hot or 0/1; zero in padding.
        weight: (b, t, n) weights of the images; zero in padding.
        offset: (b, t, n, n_classes) added to the logits, or None.
        multi_label: One binary model a class instead of one multinomial model.
        intercept: Whether a bias is fitted; it stays where it starts otherwise.
        known: (b, n, n_classes), 0 where a label has no part in the sum, for several labels an image; None for all.
    """

    z: Tensor
    target: Tensor
    weight: Tensor
    offset: Tensor | None = None
    multi_label: bool = False
    intercept: bool = True
    known: Tensor | None = None


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
    b, _, r = problems.z.shape
    t, c = problems.weight.shape[1], problems.target.shape[2]
    owner = torch.arange(b, device=penalty.device).repeat_interleave(t)
    variance, principal = _principal_axes(problems)
    problems = replace(problems, z=problems.z @ principal)
    current = torch.cat([problems.z.new_zeros(b * t, r * c), _prior(problems)], dim=1)
    weight = problems.z.new_zeros(b, t, penalty.shape[1], c, r)
    bias = problems.z.new_zeros(b, t, penalty.shape[1], c)
    converged = torch.zeros(b, t, penalty.shape[1], dtype=torch.bool, device=penalty.device)
    by_class = penalty[:, :, None] * (torch.ones_like(bias[:, 0, :1]) if share is None else share[:, None])
    # Tasks may order their penalties differently; rank k of each is solved together.
    order = penalty.argsort(dim=1, descending=True)
    limit = tolerance * _gradient_of_nothing(problems, owner)
    rows = torch.arange(b, device=penalty.device)
    for k in range(penalty.shape[1]):
        rank_penalty = by_class[rows, order[:, k]][owner]
        result = minimise(
            _objective(problems, owner, rank_penalty),
            current,
            tolerance=limit,
            max_iterations=iterations,
            history=6,
            preconditioner=_inverse_curvature(problems, owner, rank_penalty, variance, current),
        )
        current = result.x
        matrix = (principal[:, None] @ result.x[:, : r * c].view(b, t, r, c)).mT
        for i, j in enumerate(order[:, k].tolist()):
            weight[i, :, j], bias[i, :, j] = matrix[i], result.x[:, r * c :].view(b, t, c)[i]
            converged[i, :, j] = result.converged.view(b, t)[i]
    return Solutions(weight, bias, converged)


def _principal_axes(problems: Problems) -> tuple[Tensor, Tensor]:
    """Mean squares along the axes (b, r), and the axes (b, r, r): along them curvature is nearly diagonal."""
    importance = problems.weight.mean(dim=1)
    eigen = torch.linalg.eigh((problems.z * importance[..., None]).mT @ problems.z)
    return eigen.eigenvalues.clamp(min=0), eigen.eigenvectors


def _prior(problems: Problems) -> Tensor:
    """Biases that alone give classes their share of the images, (b * t, c); zeros where there are offsets as well."""
    total = problems.weight.sum(dim=2, keepdim=True) if problems.known is None else problems.weight @ problems.known
    share = problems.weight @ problems.target / total.clamp(min=1e-12)
    least = 0.1 / (problems.weight > 0).sum(dim=2, keepdim=True).clamp(min=1)
    bounded = torch.minimum(torch.maximum(share, least), 1 - least)
    bias = bounded.logit() if problems.multi_label else bounded.log()
    if problems.offset is not None:
        bias = torch.where(share > 0, 0.0, (least * share.shape[2]).log().clamp(max=0))
    return bias.flatten(0, 1)


def _inverse_curvature(
    problems: Problems, owner: Tensor, penalty: Tensor, variance: Tensor, parameters: Tensor
) -> Tensor:
    """About the inverse Hessian's diagonal, (b * t, p): mean squares times the variance of a class's probability."""
    r, c = problems.z.shape[2], problems.target.shape[2]
    importance = problems.weight.flatten(0, 1)
    logits = _multiply(problems.z, owner, parameters[:, : r * c].view(-1, r, c)) + parameters[:, None, r * c :]
    if problems.offset is not None:
        logits = logits + problems.offset.flatten(0, 1)
    p = logits.sigmoid() if problems.multi_label else logits.softmax(dim=2)
    spread = p * (1 - p) * importance[..., None]
    if problems.known is not None:
        spread = spread * problems.known[owner]
    spread = spread.sum(dim=1)  # (b * t, c)
    total = importance.sum(dim=1)[:, None].clamp(min=1e-12)
    weight = spread[:, None] * (variance[owner] / total)[..., None] + penalty[:, None]
    curvature = torch.cat([weight.flatten(1), spread], dim=1)
    # Steps along axes that hardly any image has, as long as their curvature allows, would amplify rounding.
    return torch.maximum(curvature, _LEAST * curvature.amax(dim=1, keepdim=True)).clamp(min=1e-12).reciprocal()


def _gradient_of_nothing(problems: Problems, owner: Tensor) -> Tensor:
    """Norm of the gradient at zero weights, (b * t,); the penalty has no part in it.

    Where offsets alone fit (nearly) perfectly, it is a millionth of what it would be without them.
    """
    b, _, r = problems.z.shape
    t, c = problems.weight.shape[1], problems.target.shape[2]
    zero = problems.z.new_zeros(b * t, r * c + c)
    all_rows, no_penalty = torch.arange(b * t, device=zero.device), zero.new_zeros(b * t, c)
    bare = replace(problems, offset=None)
    with_offset, without_offset = (
        _objective(variant, owner, no_penalty)(zero, all_rows)[1].norm(dim=1) for variant in (problems, bare)
    )  # fmt: skip
    return torch.maximum(with_offset, 1e-6 * without_offset)


def _objective(problems: Problems, owner: Tensor, penalty: Tensor) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    r, c = problems.z.shape[2], problems.target.shape[2]
    sample_weight = problems.weight.flatten(0, 1)
    offset = None if problems.offset is None else problems.offset.flatten(0, 1)
    absent = (problems.weight @ problems.target == 0).flatten(0, 1)[:, None]  # (b * t, 1, c)
    any_absent = bool(absent.any())

    def objective(parameters: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        task = owner[index]
        w, b = parameters[:, : r * c].view(-1, r, c), parameters[:, r * c :]
        logits = _multiply(problems.z, task, w) + b[:, None]
        if offset is not None:
            logits = logits + offset[index]
        if any_absent:
            logits = logits.masked_fill(absent[index], _NEVER)
        target, importance, decay = problems.target[task], sample_weight[index][..., None], penalty[index][:, None]
        if problems.known is not None:
            importance = importance * problems.known[task]
        if problems.multi_label:
            data = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
            residual = (logits.sigmoid() - target) * importance
        else:
            log_p = logits.log_softmax(dim=2)
            data = -log_p * target
            residual = (log_p.exp() - target) * importance
        loss = (data * importance).sum(dim=(1, 2)) + (decay * w.square()).sum(dim=(1, 2)) / 2
        gradient = _multiply(problems.z.mT, task, residual) + decay * w
        slope = residual.sum(dim=1) if problems.intercept else torch.zeros_like(b)
        return loss, torch.cat([gradient.flatten(1), slope], dim=1)

    return objective


def _multiply(matrices: Tensor, owner: Tensor, columns: Tensor) -> Tensor:
    """`matrices[owner] @ columns`, without copying large matrices."""
    if matrices[0].numel() < _LARGE:
        return matrices[owner] @ columns
    out = columns.new_empty(len(columns), matrices.shape[1], columns.shape[2])
    owners, begin = owner.tolist(), 0
    while begin < len(owners):
        end = begin + owners[begin:].count(owners[begin])  # Variants of a task stand together: one product for all.
        side_by_side = columns[begin:end].transpose(0, 1).flatten(1)
        product = matrices[owners[begin]] @ side_by_side
        out[begin:end] = product.view(len(product), end - begin, -1).transpose(0, 1)
        begin = end
    return out
