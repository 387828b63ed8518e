"""Names of files and images that stand in notes, so that pseudonyms can take their place where notes are recorded."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_names: ContextVar[list[str] | None] = ContextVar("noted names", default=None)


@contextmanager
def noted_names() -> Iterator[list[str]]:
    """Collects what `note_names` is told meanwhile."""
    names: list[str] = []
    token = _names.set(names)
    try:
        yield names
    finally:
        _names.reset(token)


def note_names(names: Iterable[str]) -> None:
    """Say that these are names of files or images in a sentence that becomes a note."""
    known = _names.get()
    if known is not None:
        known.extend(names)
