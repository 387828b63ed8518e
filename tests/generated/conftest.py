"""A folder of coloured pictures with prompts."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLOURS = {"a red sheet": (200, 40, 40), "a green sheet": (40, 180, 40), "a blue sheet": (40, 60, 200)}


@pytest.fixture
def make_generated(tmp_path: Path) -> Callable[..., Path]:
    def make(per_prompt: int = 4, column: str = "prompt") -> Path:
        folder = tmp_path / "made"
        folder.mkdir()
        rng = np.random.default_rng(0)
        with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["file_name", column])
            for n, (prompt, rgb) in enumerate(COLOURS.items()):
                for i in range(per_prompt):
                    pixels = np.clip(np.array(rgb) + rng.normal(0, 30, (40, 40, 3)), 0, 255).astype(np.uint8)
                    Image.fromarray(pixels).save(folder / f"{n}-{i}.png")
                    table.writerow([f"{n}-{i}.png", prompt])
        return folder

    return make
