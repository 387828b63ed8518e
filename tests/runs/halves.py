"""Images of two coloured halves, whose rows and card each test writes as it needs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200), "grey": (120, 120, 120)}
COUNTS = {"train": 24, "val": 8, "test": 24}
Describe = Callable[[str, str, np.random.Generator], dict[str, Any]]


def write_halves(folder: Path, task: str, columns: dict[str, str], describe: Describe, extra: str = "") -> Path:
    """Writes images of two coloured halves with the row that `describe(left, right, rng)` gives, and a card."""
    rng = np.random.default_rng(0)
    names = list(COLOURS)
    rows = []
    for split, count in COUNTS.items():
        for i in range(count):
            left, right = (names[k] for k in rng.permutation(len(names))[:2])
            pixels = np.empty((32, 32, 3))
            pixels[:, :16], pixels[:, 16:] = COLOURS[left], COLOURS[right]
            pixels = np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
            name = f"{split}-{i}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append({"file_name": name, "split": split, **describe(left, right, rng)})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    named = "\n".join(f'{key} = "{value}"' for key, value in {"split": "split", **columns}.items())
    path = folder / "card.toml"
    path.write_text(
        f'name = "halves"\ntask = "{task}"\n{extra}\n[source]\ntype = "folder"\npath = "."\n[columns]\n{named}\n',
        encoding="utf-8",
    )
    return path
