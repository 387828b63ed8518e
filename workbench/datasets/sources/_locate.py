"""Find a card's data: beside the card, then under the data folder."""

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import DataError


@dataclass(frozen=True)
class Locator:
    """Resolves the relative paths of one card.

    Attributes:
        dataset: The dataset's name, for messages.
        beside: Folder of the card file, or None.
        data: The data folder (`WORKBENCH_DATA`), or None.
    """

    dataset: str
    beside: Path | None
    data: Path | None

    def find(self, path: str) -> Path:
        """The existing file or folder; raises `DataError` with every place that was tried."""
        return self.find_all(path)[0]

    def find_all(self, pattern: str) -> list[Path]:
        """What a path or glob pattern names, sorted, from the first place that has any."""
        given = Path(pattern).expanduser()
        places = [given.parent] if given.is_absolute() else [p for p in (self.beside, self.data) if p is not None]
        name = given.name if given.is_absolute() else str(given)
        for place in places:
            exact = place / name
            found = [exact] if exact.exists() else sorted(place.glob(name))
            if found:
                return [path.resolve() for path in found]
        tried = " and ".join(str(place / name) for place in places) or "nowhere"
        hint = "" if self.data else " Set WORKBENCH_DATA (or --data) to the folder that holds it."
        raise DataError(f"dataset {self.dataset!r}: source.path {pattern!r} was not found (looked at {tried}).{hint}")
