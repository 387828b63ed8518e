"""What the generators share: split assignment by group, and the metadata file of a folder source."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SHARES = {"train": 0.5, "val": 0.15, "test": 0.35}


def assign_splits(groups: Sequence[str], rng: np.random.Generator) -> dict[str, str]:
    """A split for every group, by seeded permutation and in the shares of `SHARES`."""
    order = rng.permutation(len(groups))
    n_test = max(1, round(SHARES["test"] * len(groups)))
    n_val = max(1, round(SHARES["val"] * len(groups)))
    names = ["test"] * n_test + ["val"] * n_val + ["train"] * (len(groups) - n_test - n_val)
    return {groups[place]: name for place, name in zip(order, names, strict=True)}


def write_metadata(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `metadata.jsonl`, one image a line."""
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
