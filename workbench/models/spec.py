"""Model arguments, taken apart without loading anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.errors import ModelError
from workbench.texts import shown

Kind = Literal["plugin", "tag", "file", "hub", "directory", "embeddings", "timm"]

_PREFIXES: dict[str, Kind] = {
    "hf-hub:": "hub",
    "local-dir:": "directory",
    "features:": "embeddings",
    "timm:": "timm",
}


@dataclass(frozen=True)
class ModelSpec:
    """A model argument.

    Attributes:
        argument: As the user wrote it; the model's name in every record.
        kind: `plugin` (registered name), `tag` (`ARCH/TAG`), `file` (`ARCH@FILE`), `hub` (`hf-hub:ORG/REPO@REVISION`),
            `directory` (`local-dir:PATH`), `embeddings` (`features:FILE`), `timm` (`timm:NAME`).
        architecture: open_clip's model name, for `tag` and `file`.
        source: Registered name, tag, file, hub id, directory, file or folder of embeddings, or name in timm.
        revision: Commit, tag or branch of a hub id; empty for the newest.
    """

    argument: str
    kind: Kind
    architecture: str
    source: str
    revision: str = ""


def parse_model(argument: str) -> ModelSpec:
    """Take a model argument apart; raises `ModelError` where it has none of the known forms."""
    if "\0" in argument:
        raise ModelError(f"model {argument!r}: holds a NUL character; no model can be called so.")
    for prefix, kind in _PREFIXES.items():
        if argument.startswith(prefix):
            source = argument.removeprefix(prefix)
            if not source:
                raise ModelError(f"model {argument!r}: something must follow {prefix!r}.")
            if kind == "hub":
                return _of_hub(argument, source)
            return ModelSpec(argument, kind, "", source if kind == "timm" else _place(argument, source))
    architecture, at, file = argument.partition("@")
    if at:
        return ModelSpec(argument, "file", architecture, _place(argument, file))
    architecture, slash, tag = argument.partition("/")
    if slash:
        return ModelSpec(argument, "tag", architecture, tag)
    return ModelSpec(argument, "plugin", "", argument)


def _of_hub(argument: str, source: str) -> ModelSpec:
    repository, at, revision = source.partition("@")
    if at and not (repository and revision):
        raise ModelError(f"model {argument!r}: expected hf-hub:ORG/REPO@REVISION, a commit, tag or branch behind '@'.")
    return ModelSpec(argument, "hub", "", repository, revision)


def _place(argument: str, path: str) -> str:
    try:
        resolved = Path(path).expanduser().resolve()
        resolved.exists()
        return str(resolved)
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody of that name, or a link that leads to itself.
        raise ModelError(
            f"model {shown(repr(argument), 80)}: {shown(path, 80)} leads nowhere ({shown(str(error), 80)})."
        ) from error
