"""The loss of classification, and the measure that chooses between epochs."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.arrays import AnyArray, FloatArray
from workbench.training.loop import Quality


def classification_loss(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy, or mean binary cross-entropy over all known decisions where labels are a matrix.

    Args:
        logits: (n, n_classes).
        labels: int64 (n,), or bool (n, n_classes), or floating with NaN where a label is not known.
        label_smoothing: For single labels.
    """
    if labels.dim() == 2:
        # By weights, not by selection: that would have the device wait in every step.
        known = ~labels.isnan()
        truth = labels.nan_to_num().to(logits.dtype)
        total = F.binary_cross_entropy_with_logits(logits, truth, known.to(logits.dtype), reduction="sum")
        return total / known.sum().clamp(min=1)
    return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)


def classification_quality(logits: Tensor, labels: Tensor) -> Quality:
    """Accuracy (share of all known label decisions where multi-label) and mean negative log-likelihood.

    Accuracy is the score; where multi-label the likelihood is, since rare labels make saying no to all accurate.

    Args:
        logits: (n, n_classes), n > 0.
        labels: As in `classification_loss`.
    """
    with torch.no_grad():
        predicted = logits > 0 if labels.dim() == 2 else logits.argmax(dim=1)
        accuracy = float((predicted == labels)[~labels.isnan()].double().mean())
        nll = float(classification_loss(logits.double(), labels))
        return Quality(-nll if labels.dim() == 2 else accuracy, {"accuracy": accuracy, "nll": nll})


def frequency_offset(labels: AnyArray, logits: FloatArray) -> FloatArray:
    """What to add to logits so that their mean is the logit of each class's frequency, add-one smoothed.

    Args:
        labels: bool (n, n_classes), or floating with NaN where a label is not known.
        logits: (n, n_classes) of the same images.

    Returns:
        float32 (n_classes,).
    """
    frequency = (np.nansum(labels, axis=0) + 1) / ((~np.isnan(labels)).sum(axis=0) + 2)
    return np.asarray(np.log(frequency) - np.log1p(-frequency) - logits.mean(axis=0), dtype=np.float32)
