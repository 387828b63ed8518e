"""A part of the target domain's images that is kept apart from test, for recipes that adapt without labels."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray, IntArray
from workbench.datasets._units import identities
from workbench.datasets.sources import Record
from workbench.datasets.splits import hold_out


def unlabelled_pool(records: Sequence[Record], hashes: AnyArray, share: float, seed: int) -> IntArray:
    """Positions of the images that are kept apart, int64, ascending.

    Groups and equal images stay together. Labels play no part: what nobody knows cannot stratify.

    Args:
        records: The target's images.
        hashes: uint8 (n, 32), their content hashes; zeros where an image could not be read.
        share: Share to keep apart, 0..1; 0 keeps none.
        seed: Seeds the choice.
    """
    if not share or not records:
        return np.empty(0, dtype=np.int64)
    groups = [record.group for record in records]
    identity, _ = identities(groups, hashes, [record.id for record in records])
    return hold_out([()] * len(records), groups, identity, share, f"unlabelled-{seed}").rows
