"""Losses of images against texts, aware of several right texts an image and several right images a text."""

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive_loss(logits: Tensor, belongs: Tensor) -> Tensor:
    """CLIP's symmetric cross-entropy with several positives.

    Radford et al. (ICML 2021), figure 3, where an image has one text and a text one image. With several, the target is
    spread evenly over them: the mean over the positives of the log-probability (Khosla et al., "Supervised Contrastive
    Learning", NeurIPS 2020, equation 2). Rows and columns without a positive are left out.

    Args:
        logits: (b, t), scaled cosines.
        belongs: bool (b, t).
    """
    return 0.5 * (_one_way(logits, belongs) + _one_way(logits.T, belongs.T))


def _one_way(logits: Tensor, belongs: Tensor) -> Tensor:
    count = belongs.sum(dim=1)
    log_p = logits.log_softmax(dim=1).masked_fill(~belongs, 0.0).sum(dim=1) / count.clamp(min=1)
    return -log_p.sum() / (count > 0).sum().clamp(min=1)


def sigmoid_loss(logits: Tensor, belongs: Tensor) -> Tensor:
    """SigLIP's loss: each pair is a yes or no of its own, so that several positives need nothing special.

    Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (ICCV 2023), equation 1: summed over pairs, divided by
    the number of images.

    Args:
        logits: (b, t), scaled cosines plus bias.
        belongs: bool (b, t).
    """
    return -F.logsigmoid(torch.where(belongs, logits, -logits)).sum() / len(logits)


def choice_loss(scores: Tensor, is_correct: Tensor, starts: Tensor) -> Tensor:
    """Negative logarithm of the probability that a softmax over an item's candidates gives to the right ones.

    Args:
        scores: (p,), logits of the candidates, item after item.
        is_correct: bool (p,).
        starts: int64 (items,), where each item's candidates begin.
    """
    counts = torch.diff(starts, append=starts.new_tensor([len(scores)]))
    place = torch.arange(int(counts.max()), device=scores.device)
    inside = place < counts[:, None]
    index = (starts[:, None] + place).clamp(max=len(scores) - 1)
    table = scores[index].masked_fill(~inside, -torch.inf)
    of_right = table.masked_fill(~is_correct[index], -torch.inf)
    return (table.logsumexp(dim=1) - of_right.logsumexp(dim=1)).mean()
