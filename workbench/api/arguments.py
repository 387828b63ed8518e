"""Arguments of the functions: one value for a list, a path for text."""

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

PathText = str | PathLike[str]


def as_list(values: Any) -> list[Any]:
    """The values; a text, a number, a path or a mapping is one value. Paths become text."""
    if isinstance(values, str | PathLike | Mapping) or not isinstance(values, Iterable):
        values = [values]
    return [fspath(value) if isinstance(value, PathLike) else value for value in values]


def as_text(value: PathText) -> str:
    """A name, or a path as text."""
    return fspath(value)


def as_path(value: PathText) -> Path:
    """A path, with `~` for the home folder."""
    return Path(value).expanduser()
