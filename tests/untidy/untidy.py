"""An untidy input: how it is made, and what the workbench must say of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from workbench.datasets import open_dataset
from workbench.errors import WorkbenchError
from workbench.settings import Settings

COLOURS = ("red", "blue")


@dataclass(frozen=True)
class Untidy:
    """One input.

    Attributes:
        what: What lies there, for the table in the documentation.
        make: Makes it in an empty folder; returns the dataset argument.
        refused: Whether it is an error, since reading it would change what numbers mean.
        says: Regular expression of the sentence.
        images: Images that are read, where that is the point.
        classes: Class names, where they are the point.
        splits: Images of train and test as the files say, where they are the point.
    """

    what: str
    make: Callable[[Path], str]
    says: str = ""
    refused: bool = False
    images: int | None = None
    classes: tuple[str, ...] | None = None
    splits: tuple[int, int] | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an input: a dataset, or the sentence that refuses it."""

    said: tuple[str, ...]
    refused: bool
    images: int = 0
    classes: tuple[str, ...] = ()
    splits: tuple[int, int] = (0, 0)


def outcome(untidy: Untidy, root: Path, cache: Path) -> Outcome:
    """Make an input and open it; paths in sentences start from `root`."""
    root.mkdir()
    argument = untidy.make(root)
    try:
        dataset = open_dataset(argument, Settings(cache=cache))
        notes = dataset.notes
    except WorkbenchError as error:
        return Outcome((short(str(error), root),), refused=True)
    train, test = (len(dataset.rows(split)) for split in ("train", "test"))
    train += len(dataset.rows("val")) if "val" in dataset.made_splits else 0
    # Notes are recorded with runs, which name no place of the machine.
    assert not [note for note in notes if str(root.resolve()) in note]
    return Outcome(notes, False, len(dataset), dataset.class_names, (train, test))


def short(sentence: str, root: Path) -> str:
    """A sentence without the folder of this test."""
    return re.sub(rf"{re.escape(str(root.resolve()))}/?", "", sentence)


def paint(path: Path, shade: int = 0, colour: str = "red") -> None:
    """Write a small picture, each shade another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (16, 16), colour)
    image.putpixel((shade % 16, shade // 16), (shade, 255 - shade, 7))
    image.save(path, {".jpg": "JPEG", ".png": "PNG"}[path.suffix.lower()])


def class_folders(root: Path, *tops: str, count: int = 6, classes: tuple[str, ...] = COLOURS) -> str:
    """`red/` and `blue/` with pictures, below each of `tops`."""
    for t, top in enumerate(tops or ("",)):
        for c, name in enumerate(classes):
            for i in range(count):
                paint(root / "data" / top / name / f"{i}.png", 100 * t + 20 * c + i, COLOURS[c % 2])
    return str(root / "data")


def pictures(folder: Path, count: int = 12, suffix: str = ".png") -> list[str]:
    """Names of pictures in a folder, red and blue in turn."""
    names = [f"{i:02}{suffix}" for i in range(count)]
    for i, name in enumerate(names):
        paint(folder / name, i, COLOURS[i % 2])
    return names


def table(path: Path, header: str, rows: list[str]) -> None:
    """Write a table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def card(root: Path, source: str, rest: str = "", columns: str = "label = 'label'") -> str:
    """Write a card of a classification."""
    (root / "card.toml").write_text(
        'name = "mine"\ntitle = "Mine"\nfield = "botany"\ntask = "classification"\n'
        f"{rest}\n[source]\n{source}\n[columns]\n{columns}\n",
        encoding="utf-8",
    )
    return str(root / "card.toml")
