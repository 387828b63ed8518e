"""Small datasets on disk, made anew for each test."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import Dataset, open_card, parse_card
from workbench.datasets.card_files import card_paths
from workbench.datasets.card_headings import headings
from workbench.datasets.catalogue import cards
from workbench.settings import Settings

MakeImage = Callable[..., bytes]
OpenRows = Callable[..., Dataset]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache", data=tmp_path / "data")


@pytest.fixture
def jpeg() -> MakeImage:
    """Encoded image of smooth noise; different for each seed."""

    def make(seed: int, size: int = 24, kind: str = "JPEG") -> bytes:
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        buffer = BytesIO()
        Image.fromarray(coarse).resize((size, size)).save(buffer, kind)
        return buffer.getvalue()

    return make


@pytest.fixture
def class_folders(tmp_path: Path, jpeg: MakeImage) -> Path:
    """`flora/` with 20 images of each of 3 classes, one with a space and a letter beyond ASCII in its name."""
    root = tmp_path / "flora"
    for c, name in enumerate(("oak", "silver_birch", "schöne Linde")):
        (root / name).mkdir(parents=True)
        for i in range(20):
            (root / name / f"bild {i:02d}.jpg").write_bytes(jpeg(100 * c + i))
    return root


@pytest.fixture
def rows_opened(tmp_path: Path, jpeg: MakeImage, settings: Settings) -> OpenRows:
    """Writes rows as JSONL beside as many images, and opens them with a card."""

    def make(task: str, columns: dict[str, str], rows: list[dict[str, Any]], extra: str = "") -> Dataset:
        for i, row in enumerate(rows):
            (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
            row.setdefault("file_name", f"{i}.jpg")
            row.setdefault("split", "test")
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / "metadata.jsonl").write_text(lines, encoding="utf-8")
        named = "\n".join(f'{key} = "{value}"' for key, value in columns.items())
        card = parse_card(
            f'name = "x"\ntask = "{task}"\n{extra}\n[source]\ntype = "folder"\npath = "."\n[columns]\n{named}\n',
            "x.toml",
        )
        return open_card(card, tmp_path, settings)

    return make


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts a distribution with dataset entry points on the import path: names to values, and its files."""

    def add(points: dict[str, str], files: dict[str, str], name: str = "herbaria") -> None:
        site = tmp_path / f"site-{name}"
        info = site / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", encoding="utf-8")
        lines = "\n".join(f"{key} = {value}" for key, value in points.items())
        (info / "entry_points.txt").write_text(f"[workbench.datasets]\n{lines}\n", encoding="utf-8")
        for file, text in files.items():
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            (site / file).write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(site)
        forget()

    def forget() -> None:  # What was found before is remembered.
        for registry in (cards, card_paths, headings):
            vars(registry).pop("_points", None)

    yield add
    forget()


@pytest.fixture
def clinic(tmp_path: Path, jpeg: MakeImage) -> Path:
    """60 pictures of two classes from three sites, the first six of none; west has no cups."""
    lines = ["image,label,site,part"]
    (tmp_path / "images").mkdir()
    for i in range(60):
        site = "" if i < 6 else ("north", "south", "west")[i % 3]
        label = "box" if site == "west" else ("cup", "box")[i // 3 % 2]
        (tmp_path / "images" / f"{i}.jpg").write_bytes(jpeg(i))
        lines.append(f"images/{i}.jpg,{label},{site},{('train', 'test')[i % 5 == 0]}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    return tmp_path
