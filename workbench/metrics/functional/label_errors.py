"""Labels that are probably wrong, by what a model says of items that it was not trained on."""

import numpy as np

from workbench.arrays import AnyArray, IntArray


def suspect_labels(probabilities: AnyArray, labels: AnyArray) -> IntArray:
    """Items whose label is suspect by confident learning, the most suspect first.

    A class's threshold is the mean probability that items with its label get for it. An item counts as of the most
    probable class whose threshold it reaches; where that is not its label, it is a suspect (Northcutt, Jiang and
    Chuang, JAIR 70, 2021, equations 1 and 2). Suspects are ordered by the label's probability minus the highest other.

    Args:
        probabilities: (n, c), of models that have not seen the item.
        labels: int64 (n,).

    Returns:
        int64 positions of the suspects.
    """
    chance, given = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    if not len(given):
        return np.empty(0, np.int64)
    own = chance[np.arange(len(given)), given]
    counts = np.bincount(given, minlength=chance.shape[1])
    sums = np.bincount(given, weights=own, minlength=chance.shape[1])
    # No item is confidently of a class that nobody has.
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(chance >= thresholds, chance, -np.inf)
    found = np.isfinite(confident).any(axis=1) & (confident.argmax(axis=1) != given)
    others = chance.copy()
    others[np.arange(len(given)), given] = -np.inf
    margin = own - others.max(axis=1)
    suspects = np.flatnonzero(found)
    return np.asarray(suspects[np.argsort(margin[suspects], kind="stable")], np.int64)
