"""Numbers of groups."""

from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray


def group_codes(groups: Sequence[str | None]) -> AnyArray | None:
    """int64 (n,); None where no item has a group. An item without a group is one of its own."""
    if not any(groups):
        return None
    number: dict[str, int] = {}
    keys = [group if group else f"\0{i}" for i, group in enumerate(groups)]
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)
