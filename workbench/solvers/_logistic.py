"""L2-regularised logistic regression for many penalties at once, to convergence, on CPU or GPU."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.arrays import AnyArray, FloatArray
from workbench.solvers._lbfgs import minimise


@dataclass(frozen=True)
class LogisticFit:
    """Fitted weights, one set for each penalty.

    Attributes:
        weight: (b, n_classes, d).
        bias: (b, n_classes).
        loss: (b,) objective values.
        converged: (b,) whether the solver reached its tolerance.
    """

    weight: FloatArray
    bias: FloatArray
    loss: FloatArray
    converged: AnyArray


def fit_logistic(
    x: FloatArray,
    labels: AnyArray,
    penalties: FloatArray | list[float],
    n_classes: int,
    *,
    device: str = "cpu",
    tolerance: float = 1e-5,
    max_iterations: int = 2000,
) -> LogisticFit:
    """Minimise mean cross-entropy + penalty / 2 * ||W||^2 for every penalty; the bias is not penalised.

    scikit-learn's `C` is `1 / (penalty * n)`. The solution lies in the span of the centred samples and the penalty does
    not change under rotation, so the problem is solved in the samples' principal axes, which are fewer than d where
    images are few.

    Args:
        x: (n, d).
        labels: int64 (n,) for a multinomial model; bool (n, n_classes) for one binary model a label.
        penalties: (b,) positive.
        n_classes: Number of classes, those without a sample included.
        device: Where to compute.
        tolerance: Largest gradient entry at the solution.
        max_iterations: Bound for each penalty; what did not converge says so.
    """
    samples = torch.as_tensor(np.ascontiguousarray(x, dtype=np.float32), device=device)
    target = torch.as_tensor(labels, device=device)
    multi_label = target.ndim == 2
    mean = samples.mean(dim=0, keepdim=True)
    u, s, vh = torch.linalg.svd(samples - mean, full_matrices=False)
    rank = max(1, int((s > s[0] * 1e-6).sum()))
    z, axes = u[:, :rank] * s[:rank], vh[:rank]
    weight_decay = torch.as_tensor(np.asarray(penalties, dtype=np.float32), device=device)
    b, n, width = len(weight_decay), len(z), rank * n_classes
    onehot = target.to(z.dtype) if multi_label else F.one_hot(target, n_classes).to(z.dtype)

    def objective(parameters: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        weight = parameters[:, :width].view(-1, rank, n_classes)
        bias = parameters[:, width:]
        logits = torch.einsum("nr,brc->bnc", z, weight) + bias[:, None]
        penalty = weight_decay[index]
        if multi_label:
            data = (
                F.binary_cross_entropy_with_logits(logits, onehot.expand_as(logits), reduction="none").sum((1, 2)) / n
            )
            residual = (logits.sigmoid() - onehot) / n
        else:
            log_p = logits.log_softmax(dim=2)
            data = -(log_p * onehot).sum((1, 2)) / n
            residual = (log_p.exp() - onehot) / n
        loss = data + penalty / 2 * weight.square().sum((1, 2))
        gradient = torch.einsum("nr,bnc->brc", z, residual) + penalty[:, None, None] * weight
        return loss, torch.cat([gradient.flatten(1), residual.sum(dim=1)], dim=1)

    start = torch.zeros(b, width + n_classes, device=device)
    found = minimise(objective, start, tolerance=tolerance, max_iterations=max_iterations)
    weight = torch.einsum("brc,rd->bcd", found.x[:, :width].view(b, rank, n_classes), axes)
    bias = found.x[:, width:] - (weight @ mean[0])
    return LogisticFit(
        weight.cpu().numpy(), bias.cpu().numpy(), found.loss.cpu().numpy(), found.converged.cpu().numpy()
    )
