"""Arguments of the functions: one value for a list, a path for text."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.registry import closest
from workbench.settings import Settings

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


def read_settings(function: Callable[..., Any], keywords: Mapping[str, Any]) -> Settings:
    """The settings that a function's further keywords give.

    Args:
        function: The public function, whose own arguments a misspelt keyword may mean.
        keywords: What it was given beyond them.

    Raises:
        WorkbenchError: A keyword is no setting, or has a value that it cannot have.
    """
    for key in keywords:
        if key not in Settings.model_fields:
            known = [*inspect.signature(function).parameters, *Settings.model_fields]
            known.remove("settings")
            hint = closest(key, known) or f" Settings are {', '.join(Settings.model_fields)}."
            raise WorkbenchError(f"workbench.{function.__name__}: has no argument {key!r}.{hint}")
    return Settings.from_keywords(**keywords)
