"""Learning-rate schedules as plain functions of the step."""

import math


def warmup_cosine(step: int, steps: int, warmup: float = 0.0) -> float:
    """Linear warm-up, then half a cosine down to zero.

    Loshchilov and Hutter, "SGDR" (ICLR 2017), equation 5, without restarts.

    Args:
        step: Steps taken so far, 0..steps.
        steps: Steps in all.
        warmup: Share of `steps` during which the rate rises; its first step has a rate above zero.

    Returns:
        Multiplier of the peak learning rate, 0..1.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
