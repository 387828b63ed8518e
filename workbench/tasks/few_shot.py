"""Few-shot samples: the same images for every recipe at a seed."""

import numpy as np

from workbench.arrays import AnyArray, IntArray

MAX_VALIDATION_SHOTS = 4


def sample_shots(labels: AnyArray, shots: int, seed: int) -> IntArray:
    """Choose `min(shots, available)` items of each class.

    A class draws from its own random stream, so its sample does not depend on the other classes, and a larger number of
    shots at the same seed contains the smaller one.

    Args:
        labels: int64 (n,), or bool (n, n_classes), where an item counts for each label that it has.
        shots: At least 1.
        seed: Seeds the choice.

    Returns:
        Sorted positions.
    """
    n_classes = labels.shape[1] if labels.ndim == 2 else int(labels.max(initial=-1)) + 1
    chosen: set[int] = set()
    for c in range(n_classes):
        members = np.flatnonzero(labels[:, c] if labels.ndim == 2 else labels == c)
        order = np.random.default_rng([seed, c]).permutation(len(members))
        chosen.update(members[order[:shots]].tolist())
    return np.array(sorted(chosen), dtype=np.int64)
