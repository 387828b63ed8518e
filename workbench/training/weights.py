"""The weights of a network that a training has changed, as a file beside the model that it began with."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from workbench.models import LoadedModel

WEIGHTS = "weights.safetensors"


def write_weights(weights: "Mapping[str, Tensor]", directory: Path) -> None:
    """Write weights by their names in the network."""
    from safetensors.torch import save_file

    save_file({name: weight.detach().cpu().contiguous() for name, weight in weights.items()}, directory / WEIGHTS)


def read_weights(directory: Path) -> "dict[str, Tensor]":
    """Read what `write_weights` wrote."""
    from safetensors.torch import load_file

    weights: dict[str, Tensor] = load_file(directory / WEIGHTS)
    return weights


def put_weights(loaded: "LoadedModel", weights: "Mapping[str, Tensor]") -> "dict[str, nn.Parameter]":
    """Put weights into a network, in place, and return the parameters that hold them.

    Raises:
        RecipeError: The network has no such weights.
    """
    import torch

    parameters = dict(loaded.network.named_parameters())
    unknown = sorted(weights.keys() - parameters.keys())
    if unknown:
        raise RecipeError(f"the network has no weights {', '.join(map(repr, unknown[:3]))}; they are another model's.")
    chosen = {name: parameters[name] for name in weights}
    with torch.no_grad():
        for name, parameter in chosen.items():
            parameter.copy_(weights[name])
    return chosen


def put_between(loaded: "LoadedModel", weights: "Mapping[str, Tensor]", alpha: float) -> None:
    """Put into a network, in place, (1 - alpha) * its own weights + alpha * these; see `interpolation`.

    Raises:
        RecipeError: The network has no such weights.
    """
    from workbench.training.interpolation import interpolate
    from workbench.training.loop import snapshot

    own = dict(loaded.network.named_parameters())
    before = snapshot({name: own[name] for name in weights if name in own})
    interpolate(put_weights(loaded, weights), before, weights, alpha)
