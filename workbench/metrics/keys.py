"""Names that a card gives (labels, categories) as parts of metrics' names."""

import re
from collections.abc import Sequence

import numpy as np

from workbench.arrays import AnyArray, BoolArray


def metric_keys(names: Sequence[str]) -> list[str]:
    """The key of each name in metrics' names; all differ.

    Characters that a run record does not take become `_`, and a name that then occurs again gets its position.
    """
    keys: dict[str, None] = {}
    for index, name in enumerate(names):
        # MLflow takes letters, digits and `_ - . : /` and space, and no `.` or `..` between slashes.
        key = re.sub(r"[^\w\-. :]", "_", name).strip(" .") or "_"
        while key in keys:
            key = f"{key}_{index}"
        keys[key] = None
    return list(keys)


def accuracy_parts(categories: AnyArray | None, counts: AnyArray | None = None) -> dict[str, BoolArray]:
    """The items that each accuracy besides that of all items is taken over, bool (n,), by the metric's name.

    Args:
        categories: (n,) kind of each item as the card has it; empty texts are no kind.
        counts: (n,) number of candidates of each item, for `accuracy/N_candidates`; None leaves these out.
    """
    sizes = [] if counts is None else np.unique(counts).tolist()
    item_kinds = np.asarray([] if categories is None else categories, dtype=np.str_)
    kinds = [kind for kind in np.unique(item_kinds).tolist() if kind]
    # Sizes go first, so that a kind of the same name gets another key.
    keys = metric_keys([*(f"{n}_candidates" for n in sizes), *kinds])
    inside = [*(np.asarray(counts) == n for n in sizes), *(item_kinds == kind for kind in kinds)]
    return {f"accuracy/{key}": items for key, items in zip(keys, inside, strict=True)}
