"""The objective of regularised logistic regression, and what is known of its curvature.

For each of `b` tasks in `t` variants it is

    sum_i weight_i * CE(offset_i + z_i W + bias, target_i) + sum_c penalty_c / 2 * ||W_c||^2.

A class without an image would have its bias at minus infinity. It is left out of the fit instead: its weights are zero,
and its bias is that of a class with a tenth of an image. Parameters lie in rows of r * n_classes weights and n_classes
biases, one a variant.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

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
        absent: (b, n_classes), classes that are left out; None for those without an image. A part of a task's images
            says what all of them lack.
    """

    z: Tensor
    target: Tensor
    weight: Tensor
    offset: Tensor | None = None
    multi_label: bool = False
    intercept: bool = True
    known: Tensor | None = None
    absent: Tensor | None = None

    def single(self) -> "Problems":
        """The same in single precision."""
        rest = {name: own.float() for name in ("offset", "known") if (own := getattr(self, name)) is not None}
        return replace(self, z=self.z.float(), target=self.target.float(), weight=self.weight.float(), **rest)


def principal_axes(problems: Problems) -> tuple[Tensor, Tensor]:
    """Mean squares along the axes (b, r), and the axes (b, r, r): along them curvature is nearly diagonal."""
    importance = problems.weight.mean(dim=1)
    eigen = torch.linalg.eigh((problems.z * importance[..., None]).mT @ problems.z)
    return eigen.eigenvalues.clamp(min=0), eigen.eigenvectors


def prior(problems: Problems) -> Tensor:
    """Biases that alone give classes their share of the images, (b * t, c); zeros where there are offsets as well."""
    total = problems.weight.sum(dim=2, keepdim=True) if problems.known is None else problems.weight @ problems.known
    share = problems.weight @ problems.target / total.clamp(min=1e-12)
    least = 0.1 / (problems.weight > 0).sum(dim=2, keepdim=True).clamp(min=1)
    bias = _bias_of(share, least, multi_label=problems.multi_label)
    if problems.offset is not None:
        bias = torch.where(share > 0, 0.0, (least * share.shape[2]).log().clamp(max=0))
    return bias.flatten(0, 1)


def prior_of(positive: Tensor, known: Tensor, images: int, *, multi_label: bool) -> Tensor:
    """`prior` of one task without offsets, (n_classes,).

    Args:
        positive: (n_classes,) shares of all images that have a label.
        known: (n_classes,) shares of which it is known.
        images: Number of images.
        multi_label: See `Problems`.
    """
    least = positive.new_tensor(0.1 / max(1, images))
    return _bias_of(positive / known.clamp(min=1e-12), least, multi_label=multi_label)


def _bias_of(share: Tensor, least: Tensor, *, multi_label: bool) -> Tensor:
    bounded = torch.minimum(torch.maximum(share, least), 1 - least)
    return bounded.logit() if multi_label else bounded.log()


def inverse_curvature(
    problems: Problems, owner: Tensor, penalty: Tensor, variance: Tensor, parameters: Tensor
) -> Tensor:
    """About the inverse Hessian's diagonal, (b * t, p): mean squares times the variance of a class's probability."""
    total = problems.weight.flatten(0, 1).sum(dim=1)[:, None].clamp(min=1e-12)
    return inverse_of_spread(class_spread(problems, owner, parameters), total, variance[owner], penalty)


def class_spread(problems: Problems, owner: Tensor, parameters: Tensor) -> Tensor:
    """Variance of each class's probability, summed over images, (b * t, n_classes)."""
    r, c = problems.z.shape[2], problems.target.shape[2]
    importance = problems.weight.flatten(0, 1)
    logits = _multiply(problems.z, owner, parameters[:, : r * c].view(-1, r, c)) + parameters[:, None, r * c :]
    if problems.offset is not None:
        logits = logits + problems.offset.flatten(0, 1)
    p = logits.sigmoid() if problems.multi_label else logits.softmax(dim=2)
    spread = p * (1 - p) * importance[..., None]
    if problems.known is not None:
        spread = spread * problems.known[owner]
    return spread.sum(dim=1)


def inverse_of_spread(spread: Tensor, total: Tensor, variance: Tensor, penalty: Tensor) -> Tensor:
    """See `inverse_curvature`; `variance` (b * t, r) and `total` (b * t, 1) of the images' weights."""
    weight = spread[:, None] * (variance / total)[..., None] + penalty[:, None]
    curvature = torch.cat([weight.flatten(1), spread], dim=1)
    # Steps along axes that hardly any image has, as long as their curvature allows, would amplify rounding.
    return torch.maximum(curvature, _LEAST * curvature.amax(dim=1, keepdim=True)).clamp(min=1e-12).reciprocal()


def gradient_of_nothing(problems: Problems, owner: Tensor) -> Tensor:
    """Norm of the gradient at zero weights, (b * t,); the penalty has no part in it.

    Where offsets alone fit (nearly) perfectly, it is a millionth of what it would be without them.
    """
    b, _, r = problems.z.shape
    t, c = problems.weight.shape[1], problems.target.shape[2]
    zero = problems.z.new_zeros(b * t, r * c + c)
    all_rows, no_penalty = torch.arange(b * t, device=zero.device), zero.new_zeros(b * t, c)
    bare: Tensor = objective(replace(problems, offset=None), owner, no_penalty)(zero, all_rows)[1].norm(dim=1)
    if problems.offset is None:
        return bare
    return torch.maximum(objective(problems, owner, no_penalty)(zero, all_rows)[1].norm(dim=1), 1e-6 * bare)


def objective(problems: Problems, owner: Tensor, penalty: Tensor) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    r, c = problems.z.shape[2], problems.target.shape[2]
    sample_weight = problems.weight.flatten(0, 1)
    offset = None if problems.offset is None else problems.offset.flatten(0, 1)
    if problems.absent is None:
        absent = (problems.weight @ problems.target == 0).flatten(0, 1)[:, None]  # (b * t, 1, c)
    else:
        absent = problems.absent[owner][:, None]
    any_absent = bool(absent.any())

    def loss_and_gradient(parameters: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
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

    return loss_and_gradient


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
