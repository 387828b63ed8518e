"""Architectures of timm, read from its files: importing it takes seconds, for torch."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import ModelError
from workbench.models.spec import ModelSpec
from workbench.registry import closest

_REGISTERED = re.compile(r"^@register_model\s*\ndef (\w+)\(", re.MULTILINE)


def check_timm_name(spec: ModelSpec) -> None:
    """Refuse a name that no file of timm mentions; whether there are weights is asked when they are wanted.

    Raises:
        ModelError: Names the nearest architecture.
    """
    architecture = spec.source.partition(".")[0]
    names, text = _sources()
    # Earlier names of architectures are listed in quotes, and still work.
    if architecture in names or f"'{architecture}'" in text or f'"{architecture}"' in text:
        return
    hint = closest(architecture, names) or " `timm.list_models()` shows what there is."
    raise ModelError(f"model {spec.argument!r}: timm knows no architecture {architecture!r}.{hint}")


@cache
def _sources() -> tuple[frozenset[str], str]:
    """Registered names, and the whole text that they are in."""
    package = find_spec("timm")
    if package is None or package.origin is None:
        raise ModelError("timm is not installed; install it with `pip install timm`.")
    files = sorted((Path(package.origin).parent / "models").glob("*.py"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return frozenset(_REGISTERED.findall(text)), text
