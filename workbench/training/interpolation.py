"""Weights between those before and those after training.

Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models" (CVPR 2022), equation 1.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from workbench.training.loop import Quality


def interpolate(
    parameters: Mapping[str, nn.Parameter], before: Mapping[str, Tensor], after: Mapping[str, Tensor], alpha: float
) -> None:
    """Set parameters, in place, to (1 - alpha) * before + alpha * after; at 0 and 1 they are the ends to the bit.

    Args:
        parameters: By name.
        before: Values at alpha 0.
        after: Values at alpha 1.
        alpha: 0..1.
    """
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(torch.lerp(before[name], after[name], alpha))


def choose_alpha(
    parameters: Mapping[str, nn.Parameter],
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
    alphas: Sequence[float],
    validate: Callable[[], Quality],
) -> tuple[float, dict[float, Quality]]:
    """Try each alpha; the parameters are left at the best.

    Args:
        parameters: By name.
        before: Values at alpha 0.
        after: Values at alpha 1.
        alphas: At least one.
        validate: Quality of the present parameters.

    Returns:
        The best alpha, of equals the largest, as of equal epochs the last is kept; and the quality at each.
    """
    tried = {}
    for alpha in alphas:
        interpolate(parameters, before, after, alpha)
        tried[alpha] = validate()
    best = max(tried, key=lambda alpha: (tried[alpha].score, alpha))
    interpolate(parameters, before, after, best)
    return best, tried
