"""Which layers of a dual encoder get an adapter."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from torch import nn

from workbench.errors import RecipeError
from workbench.models import Tower

Targets = Sequence[str] | Literal["query-key-value"]

_ATTENTION = re.compile(r"(^|\.)\w*(attn|attention)\w*\.", re.IGNORECASE)
_HEAD = re.compile(r"^(visual\.head|text\.proj)\b")
_QUERY_KEY_VALUE = re.compile(r"\.(q|k|v|qkv|query|key|value)(_proj)?$")
_SHOWN = 12


def find_targets(network: nn.Module, towers: Sequence[Tower], patterns: Targets | None) -> list[str]:
    """Names of the layers to adapt; attention must have been split.

    Without patterns: linear layers inside attention; in convolutional towers the 1x1 convolutions; where the projection
    into the joint space is a linear layer, that too; and every linear layer of a tower that has none of these, such as
    ConvNeXt's, whose pointwise convolutions are linear layers.

    Args:
        network: An open_clip model.
        towers: Which towers to look in.
        patterns: Names or ends of names of layers (`q_proj`, `mlp.c_fc`), with wildcards (`visual.*.resblocks.1?.*`);
            or `query-key-value`, the layers of attention that make queries, keys and values, and in a tower without
            attention the same as without patterns.

    Returns:
        Full names, in the network's order.

    Raises:
        RecipeError: A pattern matches no layer that can be adapted, or there is no such layer at all.
    """
    chosen = []
    for tower in towers:
        layers = dict(_adaptable(network, _prefix(network, tower)))
        if patterns == "query-key-value":
            inside = [name for name in layers if _ATTENTION.search(name) and _QUERY_KEY_VALUE.search(name)]
            if inside:
                chosen += inside
                continue
        elif patterns is not None:
            chosen += [name for name in layers if any(matches(name, pattern) for pattern in patterns)]
            continue
        default = [name for name, layer in layers.items() if _is_default(name, layer)]
        if all(_HEAD.match(name) for name in default):
            default = list(layers)
        if not default:
            raise RecipeError(f"lora: the {tower} tower has no linear layer or 1x1 convolution to adapt.")
        chosen += default
    for pattern in () if patterns == "query-key-value" else patterns or ():
        if not any(matches(name, pattern) for name in chosen):
            raise RecipeError(
                f"lora: targets: {pattern!r} matches no linear layer or 1x1 convolution of the {' or '.join(towers)} "
                f"tower; there are {_kinds(network, towers)}."
            )
    return chosen


def exactly(names: Sequence[str]) -> str:
    """A regular expression for these modules alone; peft takes a list's names as endings, which reach across towers."""
    return "|".join(re.escape(name) for name in names)


def matches(name: str, pattern: str) -> bool:
    """Whether `name` is, or ends after a dot with, what the pattern says."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*.{pattern}")


def _prefix(network: nn.Module, tower: Tower) -> str:
    if tower == "image":
        return "visual"
    # open_clip's CLIP keeps the text transformer at its top level, CustomTextCLIP and CoCa in a tower of its own.
    return "text" if isinstance(getattr(network, "text", None), nn.Module) else "transformer"


def _adaptable(network: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    tower = network.get_submodule(prefix)
    # Stock attention reads the weights of its layers without calling them.
    uncalled = {id(m.out_proj) for m in tower.modules() if isinstance(m, nn.MultiheadAttention)}
    for name, layer in tower.named_modules(prefix=prefix):
        pointwise = isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1
        if (isinstance(layer, nn.Linear) or pointwise) and id(layer) not in uncalled:
            yield name, layer


def _is_default(name: str, layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) or bool(_ATTENTION.search(name) or _HEAD.match(name))


def _kinds(network: nn.Module, towers: Sequence[Tower]) -> str:
    """The different ends of names, most frequent first."""
    counts: dict[str, int] = {}
    for tower in towers:
        for name, _ in _adaptable(network, _prefix(network, tower)):
            # Numbers tell blocks apart, not kinds of layers.
            parts = [part for part in name.split(".")[-2:] if not part.isdigit()]
            counts[".".join(parts)] = counts.get(".".join(parts), 0) + 1
    ranked = sorted(counts, key=lambda ending: -counts[ending])
    more = f" and {len(ranked) - _SHOWN} more kinds" if len(ranked) > _SHOWN else ""
    return ", ".join(f"{ending} ({counts[ending]})" for ending in ranked[:_SHOWN]) + more if ranked else "none"
