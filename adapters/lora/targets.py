"""Which layers of a network get adapters."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from torch import nn

from workbench import RecipeError

Tower = Literal["image", "text", "both"]

_ATTENTION = re.compile(r"(^|\.)(attn|attention|self|self_attn|self_attention|cross_attn)\.")
_PROJECTIONS = {"q", "k", "v", "out", "qkv", "proj", "query", "key", "value", "q_proj", "k_proj", "v_proj", "out_proj"}


def choose_targets(network: nn.Module, towers: Tower, patterns: Sequence[str] | None) -> list[str]:
    """Full names of the modules that get adapters.

    Without patterns: the attention projections of a transformer; of a tower without attention, its 1x1 convolutions and
    its linear projection into the joint space.

    Args:
        network: Attention already split into `nn.Linear` layers.
        towers: `image`, `text` or `both`.
        patterns: Shell patterns on full names, or None.

    Raises:
        RecipeError: Nothing matches; names what there is.
    """
    chosen: list[str] = []
    for tower in ("image", "text") if towers == "both" else (towers,):
        names = _adaptable(network, tower)
        if patterns is None:
            attention = [n for n in names if _ATTENTION.search(f"{n}.") and n.rpartition(".")[2] in _PROJECTIONS]
            own = attention or names
        else:
            own = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
        if not own:
            there = ", ".join(names[:6]) or "none"
            raise RecipeError(
                f"lora.targets {list(patterns or ())} match no layer of the {tower} tower; adaptable layers there: "
                f"{there}{', ...' if len(names) > 6 else ''}."
            )
        chosen += own
    return chosen


def as_peft_pattern(names: Sequence[str]) -> str:
    """A regular expression for exactly these modules; peft matches a list's names as endings, across towers."""
    return "|".join(re.escape(name) for name in names)


def _adaptable(network: nn.Module, tower: str) -> list[str]:
    return [
        name
        for name, module in network.named_modules()
        if (name.startswith("visual.") == (tower == "image"))
        and (
            isinstance(module, nn.Linear)
            or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1)
        )
    ]
