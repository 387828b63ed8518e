"""The contract of a registered model, and the registry."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import ModelError
from workbench.registry import Registry

if TYPE_CHECKING:
    from workbench.models.loaded import LoadedModel


class ModelPlugin(Protocol):
    """A model that is registered by name under `workbench.models`; the entry point's value is such a class.

    Attributes:
        version: Raise it when features change for the same files.
        notice: One sentence shown wherever the model is, or None.

    A class may say in `languages` which ones its text tower reads, `("en",)`; other languages are refused then.
    """

    version: str
    notice: str | None

    def files(self, cache: Path) -> list[Path]:
        """Files that determine the weights; made or downloaded below `cache` if they are not there."""
        ...

    def load(self, cache: Path) -> "LoadedModel":
        """The network, fp32, on the CPU, in eval mode."""
        ...


def _check(loaded: Any, point: EntryPoint) -> ModelPlugin:
    plugin: ModelPlugin = loaded() if isinstance(loaded, type) else loaded
    missing = [name for name in ("version", "notice", "files", "load") if not hasattr(plugin, name)]
    if missing:
        raise ModelError(f"model {point.name!r}: {point.value} lacks {', '.join(missing)} (see workbench.ModelPlugin).")
    return plugin


models: Registry[ModelPlugin] = Registry("workbench.models", "model", _check)
"""All registered models."""
