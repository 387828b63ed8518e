"""Find a card's data: beside the card, then under the data folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import MissingDataError

if TYPE_CHECKING:
    from workbench.datasets.card import DatasetCard
    from workbench.datasets.card_sources import SplitName

_BRACES = re.compile(r"\{(?:(?P<first>\d+)\.\.(?P<last>\d+)|(?P<names>[^{}]*,[^{}]*))\}")
_MOST_PATHS = 1_000_000


@dataclass(frozen=True)
class Locator:
    """Resolves the relative paths of one card.

    Attributes:
        dataset: The dataset's name, for messages.
        beside: Folder of the card file, or None.
        data: The data folder (`WORKBENCH_DATA`), or None.
        cache: The cache folder, for what a source makes once.
    """

    dataset: str
    beside: Path | None
    data: Path | None
    cache: Path

    def find(self, path: str) -> Path:
        """The existing file or folder; raises `MissingDataError` with every place that was tried."""
        return self.find_all(path)[0]

    def find_all(self, pattern: str) -> list[Path]:
        """The paths of a path or glob pattern, sorted, from the first place that has any.

        `shard-{000..007}.tar` and `{a,b}.tar` are several patterns, as in a shell; each must have a path.

        Raises:
            MissingDataError: There are none; the message names the places and how to add another.
        """
        if (patterns := expand_braces(pattern)) != [pattern]:
            return [path for part in patterns for path in self.find_all(part)]
        path = Path(pattern).expanduser()
        if path.is_absolute():
            places, name = [Path(path.anchor)], str(path.relative_to(path.anchor))
        else:
            places, name = [place for place in (self.beside, self.data) if place is not None], str(path)
        for place in places:
            exact = place / name
            paths = [exact] if exact.exists() else sorted(place.glob(name))
            if paths:
                return [path.resolve() for path in paths]
        tried = " and ".join(str(place / name) for place in places)
        if path.is_absolute():
            raise MissingDataError(f"dataset {self.dataset!r}: {tried} does not exist.")
        now = f"WORKBENCH_DATA is {self.data}; set it" if self.data else "Set WORKBENCH_DATA (or --data)"
        raise MissingDataError(
            f"dataset {self.dataset!r}: {pattern!r} was not found (looked at {tried or 'no place'}). "
            f"{now} to the folder that holds it, or write an absolute path in the card."
        )


def find_by_split(
    card: "DatasetCard", path: "str | Mapping[SplitName, str]", place: Locator
) -> list[tuple[str | None, Path]]:
    """The files of a pattern for all splits, or of one for each, each with the source's name of its split, or None."""
    if isinstance(path, str):
        return [(None, file) for file in place.find_all(path)]
    return [(getattr(card.splits, name), file) for name, pattern in path.items() for file in place.find_all(pattern)]


def expand_braces(pattern: str) -> list[str]:
    """What a shell makes of `a{0..2}` and `{x,y}`, in their order; the pattern itself where it has no such braces."""
    found = _BRACES.search(pattern)
    if found is None:
        return [pattern]
    first, last, names = found["first"], found["last"], found["names"]
    if names is None:
        width = len(first) if first.startswith("0") else 0
        low, high = int(first), int(last)
        values = [str(i).zfill(width) for i in range(low, min(high, low + _MOST_PATHS) + 1)]
    else:
        values = names.split(",")
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [text for value in values for text in expand_braces(f"{before}{value}{after}")]


def common_folder(files: list[Path]) -> Path:
    """The deepest folder above all files."""
    folder = files[0].parent
    while not all(file.is_relative_to(folder) for file in files):
        folder = folder.parent
    return folder
