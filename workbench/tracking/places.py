"""The place of a dataset as it is recorded: enough to tell places apart and to name them, and no absolute path."""

import hashlib
from pathlib import Path

from workbench.pseudonyms import Pseudonyms

_NAMES = 3
_DIGITS = 12


def recorded_place(place: str, pseudonyms: Pseudonyms | None = None, name: str = "") -> str:
    """The last three names of a path, without the home folder's own, and a hash: `study/siteA/images#1f0c5a9b2d7e`.

    Args:
        place: An absolute path, or the name of the distribution that registers the dataset, which stays as it is.
        pseudonyms: Make the hash, with their key, and `name` stands in place of the path's names.
        name: The dataset's.
    """
    path = Path(place)
    if not path.is_absolute():
        return place
    if pseudonyms is not None:
        return f"{name}#{pseudonyms.of(place).removeprefix('id-')[:_DIGITS]}"
    below = path.relative_to(Path.home()) if path.is_relative_to(Path.home()) else path.relative_to(path.anchor)
    return f"{'/'.join(below.parts[-_NAMES:])}#{place_digest(place)}"


def place_digest(place: str) -> str:
    """The hash of a path in its recorded place."""
    return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]


def place_names(recorded: str) -> str:
    """The names of a recorded place, without its hash; runs of earlier versions have whole paths."""
    names, mark, digest = recorded.rpartition("#")
    is_digest = len(digest) == _DIGITS and not digest.strip("0123456789abcdef")
    return (names if mark and is_digest else recorded).replace("\\", "/")


class KnownPlaces:
    """Where recorded places are on this machine, kept below the cache and never recorded.

    Args:
        cache: The cache folder.
    """

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "places"

    def note(self, place: str, recorded: str) -> None:
        """Keep a path under its recorded place; a cache that may not be written keeps none."""
        if not Path(place).is_absolute():
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / recorded.rpartition("#")[2]).write_text(place, encoding="utf-8", errors="surrogateescape")
        except OSError:
            return

    def find(self, recorded: str) -> str | None:
        """The path of a recorded place, where it has been seen on this machine and is still there."""
        try:
            file = self._folder / recorded.rpartition("#")[2]
            place = file.read_text(encoding="utf-8", errors="surrogateescape")
        except (OSError, ValueError):
            return None
        return place if Path(place).exists() else None

    def is_gone(self, recorded: str) -> bool:
        """Whether a recorded place was on this machine, and nothing is there any more."""
        if Path(recorded).is_absolute():  # Of an earlier version.
            return not Path(recorded).exists()
        try:
            file = self._folder / recorded.rpartition("#")[2]
            return not Path(file.read_text(encoding="utf-8", errors="surrogateescape")).exists()
        except OSError:
            return False
