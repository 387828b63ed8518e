"""Model arguments of the form `SCHEME:SOURCE` that other parts of the workbench, or packages, know how to find."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from workbench.errors import ModelError
from workbench.registry import Registry
from workbench.settings import Settings


@dataclass(frozen=True)
class Located:
    """A model that was found.

    Attributes:
        folder: Of a model that `local-dir:` takes.
        lineage: What it was made from, in words, for every run that uses it.
        notice: A sentence for the reader of results, or None.
    """

    folder: Path
    lineage: str | None = None
    notice: str | None = None


Scheme = Callable[[str, Settings], Located]
"""Called with what follows `SCHEME:`; raises `WorkbenchError` where it leads to no model."""


def _check(loaded: Any, point: EntryPoint) -> Scheme:
    if not callable(loaded):
        raise ModelError(f"model scheme {point.name!r}: {point.value} is not a function of (source, settings).")
    scheme: Scheme = loaded
    return scheme


schemes: Registry[Scheme] = Registry("workbench.model_schemes", "model scheme", _check)
"""All registered schemes."""
