from collections.abc import Callable

import pytest
import torch

from workbench.models import LoadedModel

Load = Callable[[str], LoadedModel]
FAMILIES = [
    "vit", "vit-avg", "resnet", "coca", "timm-linear", "timm-mlp", "timm-classifier", "timm-none", "timm-attention",
]  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_projected_features_are_those_of_open_clip(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    pixels = torch.randn(3, 3, *loaded.image_size)
    pooled, projected = loaded.image_features(pixels)
    expected = loaded.network.encode_image(pixels, normalize=False)
    torch.testing.assert_close(projected, expected, rtol=1e-4, atol=1e-5)
    assert pooled.shape[0] == 3
    assert pooled.ndim == 2


@pytest.mark.parametrize(
    ("family", "projection"),
    [
        ("vit", lambda v, x: x @ v.proj),
        ("vit-avg", lambda v, x: x @ v.proj),
        ("coca", lambda v, x: x @ v.proj),
        ("resnet", lambda v, x: x @ v.attnpool.c_proj.weight.T + v.attnpool.c_proj.bias),
        ("timm-linear", lambda v, x: x @ v.head.proj.weight.T),
        ("timm-mlp", lambda v, x: v.head.mlp(x)),
        ("timm-classifier", lambda v, x: x @ v.trunk.head.weight.T + v.trunk.head.bias),
        ("timm-attention", lambda v, x: x @ v.head.pool.proj.weight.T + v.head.pool.proj.bias),
        ("timm-none", lambda _, x: x),
    ],
)
def test_pooled_features_are_what_the_projection_reads(
    family: str, projection: Callable[[object, torch.Tensor], torch.Tensor], load_tiny: Load
) -> None:
    loaded = load_tiny(family)
    pixels = torch.randn(2, 3, *loaded.image_size)
    pooled, _ = loaded.image_features(pixels)
    expected = loaded.network.encode_image(pixels, normalize=False)
    torch.testing.assert_close(projection(loaded.network.visual, pooled), expected, rtol=1e-4, atol=1e-5)
    if family not in {"timm-none", "coca"}:
        assert pooled.shape[1] != expected.shape[1]


def test_features_do_not_depend_on_the_batch(load_tiny: Load) -> None:
    loaded = load_tiny("timm-linear")
    pixels = torch.randn(5, 3, *loaded.image_size)
    together = loaded.image_features(pixels)[1]
    alone = torch.cat([loaded.image_features(row[None])[1] for row in pixels])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_the_projection_stays_exact_under_autocast(load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled, projected = loaded.image_features(torch.randn(2, 3, *loaded.image_size))
    assert projected.dtype == torch.float32
    torch.testing.assert_close(projected, pooled.float() @ loaded.network.visual.proj)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_the_first_layer_of_the_image_tower(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    first = next(p for p in loaded.network.visual.parameters() if p.ndim == 4).requires_grad_()
    loaded.image_features(torch.randn(2, 3, *loaded.image_size))[1].square().sum().backward()
    assert first.grad is not None
    assert first.grad.abs().sum() > 0
