"""Model arguments, taken apart without loading anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.errors import ModelError

Kind = Literal["plugin", "tag", "file", "hub", "directory"]


@dataclass(frozen=True)
class ModelSpec:
    """A model argument.

    Attributes:
        argument: As the user wrote it; the model's name in every record.
        kind: `plugin` (registered name), `tag` (`ARCH/TAG`), `file` (`ARCH@FILE`), `hub` (`hf-hub:ORG/REPO`),
            `directory` (`local-dir:PATH`).
        architecture: open_clip's model name, for `tag` and `file`.
        source: Registered name, tag, file, hub id or directory.
    """

    argument: str
    kind: Kind
    architecture: str
    source: str


def parse_model(argument: str) -> ModelSpec:
    """Take a model argument apart; raises `ModelError` where it has none of the known forms."""
    for prefix, kind in (("hf-hub:", "hub"), ("local-dir:", "directory")):
        if argument.startswith(prefix):
            source = argument.removeprefix(prefix)
            if not source:
                raise ModelError(f"model {argument!r}: something must follow {prefix!r}.")
            if kind == "directory":
                return ModelSpec(argument, "directory", "", str(Path(source).expanduser().resolve()))
            return ModelSpec(argument, "hub", "", source)
    architecture, at, file = argument.partition("@")
    if at:
        return ModelSpec(argument, "file", architecture, str(Path(file).expanduser().resolve()))
    architecture, slash, tag = argument.partition("/")
    if slash:
        return ModelSpec(argument, "tag", architecture, tag)
    return ModelSpec(argument, "plugin", "", argument)
