"""Image features before and after the projection into the joint space, for each of open_clip's image towers.

Each tower is run in two steps, up to what the projection reads and from there on, so that both features come from one
pass. The projection runs in fp32 whatever comes before it: it is cheap, and class differences in the joint space can
be small against what all images share.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from workbench.models.attention import pool_map

_HEAD_LAYERS = ("drop", "proj", "mlp")


def image_features(visual: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Pooled and projected features, differentiable, not normalised.

    Args:
        visual: An open_clip image tower, one with the steps `pooled` and `project`, or a module from pixels to features
            that has no projection.
        pixels: (n, 3, h, w), preprocessed.

    Returns:
        (n, d_pooled) and (n, d).
    """
    tower: Any = visual
    if hasattr(tower, "pooled") and hasattr(tower, "project"):
        pooled = tower.pooled(pixels)
        return pooled, _exactly(tower.project, pooled)
    if hasattr(tower, "trunk"):
        return _timm(tower, pixels)
    if hasattr(tower, "attnpool") and hasattr(tower, "layer4"):
        return _modified_resnet(tower, pixels)
    if hasattr(tower, "transformer") and hasattr(tower, "_pool"):
        return _vision_transformer(tower, pixels)
    output = tower(pixels)
    features: Tensor = output[0] if isinstance(output, tuple | list) else output
    return features, features


def _vision_transformer(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """CLIP's ViT, CoCa's with its attentional pooler included: `proj` is a matrix or None."""
    pooled, _ = visual._pool(visual.transformer(visual._embeds(pixels)))
    projection = visual.proj
    return pooled, pooled if projection is None else _exactly(lambda x: x @ projection, pooled)


def _modified_resnet(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """CLIP's ResNets project with the last layer of their attention pooling."""
    x = visual.stem(pixels)
    for stage in (visual.layer1, visual.layer2, visual.layer3, visual.layer4):
        x = stage(x)
    pooled = pool_map(visual.attnpool, x)
    return pooled, _exactly(visual.attnpool.c_proj, pooled)


def _timm(visual: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Trunks of timm project with open_clip's head, attention pooling, their own classifier, or not at all."""
    trunk, head = visual.trunk, visual.head
    layers = dict(head.named_children())
    if layers.keys() & {"proj", "mlp"}:
        x = trunk(pixels)
        for name, layer in layers.items():
            x = x if name in _HEAD_LAYERS else layer(x)
        head_layers = nn.Sequential(*(layer for name, layer in layers.items() if name in _HEAD_LAYERS))
        return x, _exactly(head_layers, x)
    if "pool" in layers:
        pooled = layers["pool"](trunk(pixels), pre_logits=True)
        return pooled, _exactly(layers["pool"].proj, pooled)
    classifier = trunk.get_classifier()
    if isinstance(classifier, nn.Linear) or _is_adapted_linear(classifier):
        pooled = trunk.forward_head(trunk.forward_features(pixels), pre_logits=True)
        return pooled, _exactly(classifier, pooled)
    pooled = head(trunk(pixels))
    return pooled, pooled


def projection_parameters(visual: nn.Module) -> list[nn.Parameter]:
    """The parameters that take pooled features into the joint space."""
    tower: Any = visual
    if hasattr(tower, "trunk"):
        layers = dict(tower.head.named_children())
        head = [layers[name] for name in _HEAD_LAYERS if name in layers]
        if "pool" in layers:
            head.append(layers["pool"].proj)
        classifier = tower.trunk.get_classifier()
        head += [classifier] if isinstance(classifier, nn.Module) else []
        return [parameter for module in head for parameter in module.parameters()]
    if hasattr(tower, "attnpool") and hasattr(tower, "layer4"):
        return list(tower.attnpool.c_proj.parameters())
    if hasattr(tower, "project"):
        return [] if tower.projection is None else list(tower.projection.parameters())
    projection = getattr(tower, "proj", None)
    return [projection] if isinstance(projection, nn.Parameter) else []


def _is_adapted_linear(module: Any) -> bool:
    """Whether peft wrapped a linear layer."""
    return hasattr(module, "get_base_layer") and isinstance(module.get_base_layer(), nn.Linear)


def _exactly(project: Callable[[Tensor], Tensor], pooled: Tensor) -> Tensor:
    with torch.autocast(pooled.device.type, enabled=False):
        return project(pooled.float())
