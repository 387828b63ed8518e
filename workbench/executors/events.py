"""Lines of JSON that one process appends to a file and another reads as they come, on a shared disk as well."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class EventLog:
    """Appends events to a file.

    Args:
        path: The file; only one process at a time writes to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"\n")  # Ends what a killed process wrote in half.

    def append(self, event: Mapping[str, Any]) -> None:
        """Write one; raises `OSError` where the disk takes nothing."""
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(event, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")


class Tail:
    """Reads events from a file that may grow, and that need not be there yet.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def read(self) -> list[Event]:
        """The events since the last call; lines that are not whole are left for later, damaged ones left out."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        return [event for line in whole.splitlines() if (event := _event(line)) is not None]


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
