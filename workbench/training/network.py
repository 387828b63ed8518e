"""How the network of a training is run: compiled, or with activations that are computed again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from workbench.errors import RecipeError
from workbench.models import LoadedModel


def image_projection(loaded: LoadedModel, *, compiled: bool) -> Callable[[Tensor], Tensor]:
    """Pixels to projected image features, by `torch.compile` where asked."""

    def projected(pixels: Tensor) -> Tensor:
        return loaded.image_features(pixels)[1]

    # Batches of an epoch differ in size by one image: without dynamic shapes each would be compiled.
    return torch.compile(projected, dynamic=True) if compiled else projected


@contextmanager
def checkpointed(network: nn.Module, *, enabled: bool) -> Iterator[None]:
    """Keep no activations of the towers' blocks, but compute them again in the backward pass.

    Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).

    Raises:
        RecipeError: No part of the network can do so.
    """
    if not enabled:
        yield
        return
    parts = [part for part in network.modules() if hasattr(part, "grad_checkpointing")]
    if not parts:
        raise RecipeError("checkpointing: this network has no blocks whose activations could be computed again.")
    before = [part.grad_checkpointing for part in parts]
    try:
        for part in parts:
            part.grad_checkpointing = True  # type: ignore[assignment]
        yield
    finally:
        for part, value in zip(parts, before, strict=True):
            part.grad_checkpointing = value
