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
    counted_as = _counted_as(chance, given)
    return _by_margin(np.flatnonzero((counted_as >= 0) & (counted_as != given)), chance, given)


def suspects_by_noise_rate(probabilities: AnyArray, labels: AnyArray) -> IntArray:
    """As many suspects as there are wrong labels by confident learning's estimate, the most suspect first.

    `suspect_labels` passes over items that reach no class's threshold, about half of all, and with them over wrong
    labels. Here its counts of items labelled i and counted as j are scaled up to all items labelled i, and of these as
    many are suspects as are counted as j, those for which j is likelier than i by most ("prune by noise rate",
    Northcutt, Jiang and Chuang, JAIR 70, 2021, section 3.2). It finds more, and errs more.

    Args:
        probabilities: (n, c), of models that have not seen the item.
        labels: int64 (n,).

    Returns:
        int64 positions of the suspects.
    """
    chance, given = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    if not len(given):
        return np.empty(0, np.int64)
    counted_as, classes = _counted_as(chance, given), chance.shape[1]
    suspect = np.zeros(len(given), np.bool_)
    for own in np.unique(given):
        items = np.flatnonzero(given == own)
        joint = np.bincount(counted_as[items][counted_as[items] >= 0], minlength=classes)
        if not joint.sum():
            continue
        wanted = np.rint(joint * len(items) / joint.sum()).astype(np.int64)
        for other in np.flatnonzero(wanted):
            lead = chance[items, other] - chance[items, own]
            most = np.argsort(-lead, kind="stable")[: wanted[other]]
            if other != own:
                suspect[items[most[lead[most] > 0]]] = True
    return _by_margin(np.flatnonzero(suspect), chance, given)


def _counted_as(chance: AnyArray, given: IntArray) -> IntArray:
    """The most probable class whose threshold each item reaches; -1 where it reaches none."""
    own = chance[np.arange(len(given)), given]
    counts = np.bincount(given, minlength=chance.shape[1])
    sums = np.bincount(given, weights=own, minlength=chance.shape[1])
    # No item is confidently of a class that nobody has.
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(chance >= thresholds, chance, -np.inf)
    return np.where(np.isfinite(confident).any(axis=1), confident.argmax(axis=1), -1)


def _by_margin(suspects: IntArray, chance: AnyArray, given: IntArray) -> IntArray:
    """Ordered by the label's probability minus the highest other."""
    own, others = chance[np.arange(len(given)), given], chance.copy()
    others[np.arange(len(given)), given] = -np.inf
    margin = own - others.max(axis=1)
    return np.asarray(suspects[np.argsort(margin[suspects], kind="stable")], np.int64)
