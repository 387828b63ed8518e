"""Coloured images in several places, each with a light of its own, as datasets of their own or as domains of one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 200), "grey": (120, 120, 120)}
COUNTS = {"train": 8, "val": 4, "test": 8}


def write_place(
    folder: Path,
    labels: Mapping[str, str],
    *,
    light: float = 1.0,
    seed: int = 0,
    names: Mapping[str, str] | None = None,
) -> Path:
    """Write a dataset, and return its card.

    Args:
        folder: Its name is the dataset's.
        labels: Raw label to colour.
        light: Factor on all pixels.
        seed: Of the noise.
        names: Raw label to class name; None leaves them to the labels.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    lines = ["image,label,split,plot"]
    for split, count in COUNTS.items():
        for label, colour in labels.items():
            for i in range(count):
                name = f"{split}-{label}-{i}.png"
                _write(folder / name, colour, light, rng)
                lines.append(f"{name},{label},{split},{split}-{i // 2}")
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    named = [f'"{key}" = "{name}"' for key, name in (names or {}).items()]
    card = folder / "card.toml"
    card.write_text(
        f'name = "{folder.name}"\n[source]\ntype = "csv"\npath = "table.csv"\n[columns]\nlabel = "label"\n'
        + 'split = "split"\ngroup = "plot"\n'
        + ("\n".join(["[classes]", *named]) if named else ""),
        encoding="utf-8",
    )
    return card


def write_domains(folder: Path, lights: Mapping[str, float], colours: Sequence[str], extra: str = "") -> Path:
    """Write one dataset whose images are of domains, each with its light, and return its card."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    lines = ["image,label,split,site"]
    for site, light in lights.items():
        for split, count in COUNTS.items():
            for colour in colours:
                for i in range(count):
                    name = f"{site}-{split}-{colour}-{i}.png".replace(" ", "")
                    _write(folder / name, colour, light, rng)
                    lines.append(f"{name},{colour},{split},{site}")
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    card = folder / "card.toml"
    card.write_text(
        f'name = "{folder.name}"\n[source]\ntype = "csv"\npath = "table.csv"\n[columns]\nlabel = "label"\n'
        f'split = "split"\ndomain = "site"\n{extra}',
        encoding="utf-8",
    )
    return card


def _write(path: Path, colour: str, light: float, rng: np.random.Generator) -> None:
    pixels = np.array(COLOURS[colour]) * light + rng.normal(0, 40, (40, 40, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
