"""The parameters of a dual encoder, by tower."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

Tower = Literal["image", "text"]

# Neither tower's: the logits' own parameters, and the caption decoder of CoCa.
_NEITHER = ("logit_scale", "logit_bias", "text_decoder.")


def tower_parameters(network: "nn.Module", towers: Collection[Tower]) -> "dict[str, nn.Parameter]":
    """Parameters of the towers, by their names in the network.

    Args:
        network: An open_clip model.
        towers: The towers.
    """
    return {
        name: parameter
        for name, parameter in network.named_parameters()
        if ("image" if is_image_parameter(name) else "text") in towers and not name.startswith(_NEITHER)
    }


def has_batch_norm(network: "nn.Module") -> bool:
    """Whether the image tower is normalised by stored statistics, as most convolutional ones are.

    Such towers bear, and need, higher learning rates than transformers.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    return any(isinstance(module, _BatchNorm) for module in network.get_submodule("visual").modules())


def is_image_parameter(name: str) -> bool:
    """Whether a name in a network is the image tower's."""
    # Where the text tower is differs (open_clip's CLIP keeps it at its top level); the image tower is `visual` in all.
    return name.startswith("visual.")
