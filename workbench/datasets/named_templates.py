"""Lists of templates that are published under a name, read from open_clip, which has them."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from workbench.registry import closest

_MODULE = "zero_shot_metadata.py"
NAMED = {
    "openai_imagenet": "OPENAI_IMAGENET_TEMPLATES",
    "simple_imagenet": "SIMPLE_IMAGENET_TEMPLATES",
}
"""Name in a card to open_clip's own: the 80 of Radford et al. (ICML 2021) and the seven best of them."""


def named_templates(name: str) -> tuple[str, ...]:
    """The templates of a published list, each with `{}` for the class name.

    Raises:
        ValueError: No list has that name, or open_clip does not have it any more.
    """
    if name not in NAMED:
        raise ValueError(
            f"{name!r} is no list of templates.{closest(name, NAMED)} There are: {', '.join(NAMED)}; templates of "
            "your own are a list of texts"
        )
    found: tuple[Callable[[str], str], ...] = getattr(_metadata(), NAMED[name], ())
    if not found:
        raise ValueError(f"the installed open_clip has no {NAMED[name]}; write the templates into the card")
    return tuple(template("{}") for template in found)


@cache
def _metadata() -> ModuleType:
    """open_clip's module of templates alone: to import the package would be to import torch."""
    package = find_spec("open_clip")
    file = Path((package and package.origin) or "").with_name(_MODULE)
    spec = spec_from_file_location("_open_clip_templates", file) if file.is_file() else None
    if spec is None or spec.loader is None:
        raise ValueError(f"the installed open_clip has no {_MODULE}; write the templates into the card")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
