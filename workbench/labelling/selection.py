"""Which images to label next: those of which a model is least sure, those unlike all others, or both."""

import warnings
from typing import Literal, get_args

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.errors import WorkbenchError

Selection = Literal["both", "uncertainty", "diversity"]
SELECTIONS: tuple[str, ...] = get_args(Selection)
_CANDIDATES = 10
"""Images a chosen one among which `both` chooses, the least sure (Zhdanov's beta)."""
_SUREST = 1e-6


def uncertainty(probabilities: FloatArray) -> FloatArray:
    """How unsure each answer is, (n,) in 0..1: 1 less the margin between the two likeliest classes.

    Scheffer et al. (IDA 2001).

    Args:
        probabilities: (n, c), c at least 2.
    """
    ascending = np.sort(probabilities, axis=1)
    return np.asarray(1 - (ascending[:, -1] - ascending[:, -2]))


def select(
    features: FloatArray,
    unsure: FloatArray,
    n: int,
    by: Selection,
    *,
    labelled: FloatArray | None = None,
    seed: int = 0,
) -> IntArray:
    """Positions of the images to label, int64, the most wanted first.

    `uncertainty` takes the least sure. `diversity` is greedy k-centre (Sener and Savarese, ICLR 2018): again and again
    the image farthest from all that are labelled or chosen. `both` finds n clusters of the 10 n least sure images,
    weighted by how unsure they are, and takes the image nearest to the centre of each (Zhdanov, arXiv 1901.05954).

    Args:
        features: (m, d), of unit norm.
        unsure: (m,), see `uncertainty`.
        n: How many; all images where there are fewer.
        by: The way.
        labelled: (l, d) features of images that have labels already, for `diversity`.
        seed: Seeds the clusters.

    Raises:
        WorkbenchError: There is no such way.
    """
    if by not in SELECTIONS:
        raise WorkbenchError(f"--by {by}: expected one of {', '.join(SELECTIONS)}.")
    least_sure = np.argsort(-unsure, kind="stable").astype(np.int64)
    n = min(n, len(features))
    if by == "uncertainty" or n == len(features):
        return least_sure[:n]
    if by == "diversity":
        return _k_centre(features, n, labelled)
    candidates = least_sure[: _CANDIDATES * n]
    chosen = candidates[_central(features[candidates], unsure[candidates], n, seed)]
    return chosen[np.argsort(-unsure[chosen], kind="stable")]


def _k_centre(features: FloatArray, n: int, labelled: FloatArray | None) -> IntArray:
    chosen: list[int] = []
    if labelled is None or not len(labelled):
        # Nothing is labelled: the first is the image nearest to the mean of all.
        chosen = [int(np.argmax(features @ features.mean(axis=0)))]
        nearest = features @ features[chosen[0]]
    else:
        nearest = np.full(len(features), -np.inf, np.float32)
        for start in range(0, len(labelled), 1024):
            nearest = np.maximum(nearest, (features @ labelled[start : start + 1024].T).max(axis=1))
    while len(chosen) < n:
        # Of unit vectors, the farthest is the one of the smallest cosine.
        farthest = int(np.argmin(np.where(np.isin(np.arange(len(features)), chosen), np.inf, nearest)))
        chosen.append(farthest)
        nearest = np.maximum(nearest, features @ features[farthest])
    return np.array(chosen, dtype=np.int64)


def _central(features: AnyArray, weights: AnyArray, n: int, seed: int) -> IntArray:
    """The image nearest to the centre of each of n clusters, each image once."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # Images that are alike make fewer clusters.
        clusters = KMeans(n, n_init=1, random_state=seed).fit(features, sample_weight=weights + _SUREST)
    distances = clusters.transform(features)
    chosen: list[int] = []
    for centre in range(n):
        distances[chosen, centre] = np.inf
        chosen.append(int(np.argmin(distances[:, centre])))
    return np.array(chosen, dtype=np.int64)
