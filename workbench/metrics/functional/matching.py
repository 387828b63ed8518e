"""Matching of images and texts, item by item; ties count as wrong."""

import numpy as np

from workbench.arrays import AnyArray, BoolArray


def picks_right(scores: AnyArray, is_correct: AnyArray, starts: AnyArray) -> BoolArray:
    """Whether the highest score of an item is a right candidate's, bool (items,).

    Args:
        scores: (p,), item after item.
        is_correct: bool (p,); several candidates of an item may be right.
        starts: int64 (items,), where each item's candidates begin.
    """
    best_right = np.maximum.reduceat(np.where(is_correct, scores, -np.inf), starts)
    best_wrong = np.maximum.reduceat(np.where(is_correct, -np.inf, scores), starts)
    return np.asarray(best_right > best_wrong)


def winoground(scores: AnyArray) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Text, image and group score of each item, bool (n,) each.

    Thrush et al., Winoground (CVPR 2022), equations 1 to 3: for each image the right text must win, for each text the
    right image, and both.

    Args:
        scores: (n, 2, 2), [item, image, text]; image k belongs to text k.
    """
    s = scores
    text = (s[:, 0, 0] > s[:, 0, 1]) & (s[:, 1, 1] > s[:, 1, 0])
    image = (s[:, 0, 0] > s[:, 1, 0]) & (s[:, 1, 1] > s[:, 0, 1])
    return text, image, text & image
