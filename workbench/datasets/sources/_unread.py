"""What lies in a source and is not read, counted by kind and named."""

from workbench.datasets.walking import some
from workbench.formatting import counted


class Unread:
    """Counts things that are not read.

    Args:
        origin: Where they lie, for the sentences.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._seen: dict[tuple[str, str], list[str]] = {}

    def add(self, one: str, many: str, example: str) -> None:
        """Count one thing.

        Args:
            one: Its kind, in the words that follow `1`: `box without an area`.
            many: The same for several: `boxes without an area`.
            example: What it is called.
        """
        self._seen.setdefault((one, many), []).append(example)

    def notes(self) -> list[str]:
        """A sentence for each kind, in the order in which they were met."""
        return [
            f"{self._origin}: not read: {counted(len(names), one, many)} ({some(names)})."
            for (one, many), names in self._seen.items()
        ]
