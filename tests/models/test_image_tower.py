"""The image tower with weights cast once, for every family."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from tests.models.test_towers import FAMILIES
from workbench.models import LoadedModel
from workbench.models._image_tower import ImageTower, cast_tower
from workbench.models._towers import projection_parameters

Load = Callable[[str], LoadedModel]


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return torch.nn.functional.cosine_similarity(a.double(), b.double()).min().item()


@pytest.mark.parametrize("family", FAMILIES)
def test_cast_weights_give_the_features_of_fp32_to_the_precision_of_bf16(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    before = copy.deepcopy(loaded.network.state_dict())
    pixels = torch.randn(16, 3, *loaded.image_size, generator=torch.Generator().manual_seed(0))
    expected = ImageTower(loaded, "cpu", "fp32")(pixels)
    tower = ImageTower(loaded, "cpu", "bf16")
    assert tower._cast is not None, "every family of open_clip runs with cast weights"
    with torch.autocast("cpu", torch.bfloat16):
        autocast = loaded.image_features(pixels)
    for found, exact, usual in zip(tower(pixels), expected, autocast, strict=True):
        assert found.dtype == torch.float32
        assert cosine(found, exact) > 0.999
        # As near as autocast, but for the luck of rounding, which is worth several times on networks this small.
        assert 1 - cosine(found, exact) < 20 * (1 - cosine(usual.float(), exact)) + 1e-6
    after = loaded.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items()), "the model itself stays fp32"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_projection_and_batch_statistics_stay_exact_and_all_else_is_cast(family: str, load_tiny: Load) -> None:
    visual = load_tiny(family).network.visual
    cast = cast_tower(visual, torch.bfloat16)
    exact = {name for name, value in cast.state_dict().items() if value.dtype == torch.float32}
    own = {id(parameter) for parameter in projection_parameters(visual)}
    norms = [name for name, module in visual.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for name, value in visual.state_dict(keep_vars=True).items():
        stays = id(value) in own or any(name.startswith(f"{norm}.") for norm in norms)
        assert (name in exact) == (stays and value.is_floating_point()), name
    assert bool(own) == (family != "timm-none")
    assert len(exact) < len(visual.state_dict())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_projection_is_computed_in_fp32(family: str, load_tiny: Load) -> None:
    loaded = load_tiny(family)
    if family in {"timm-none", "timm-attention"}:
        pytest.skip("what is projected is not what is returned as pooled")
    pooled, projected = ImageTower(loaded, "cpu", "bf16")(torch.randn(2, 3, *loaded.image_size))
    visual = loaded.network.visual
    if family == "timm-classifier":
        expected = visual.trunk.get_classifier()(pooled)
    elif family.startswith("timm"):
        expected = visual.head(pooled)
    else:
        expected = visual.attnpool.c_proj(pooled) if family == "resnet" else pooled @ visual.proj
    torch.testing.assert_close(projected, expected)


class OwnFeatures(nn.Module):
    def __init__(self, base: nn.Module) -> None:
        super().__init__()
        self.base = base

    def image_features(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.base.visual(pixels)
        return features, features


class Stubborn(nn.Module):
    """Computes in fp32 whatever it is given, so that the next layer of lower precision refuses."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float()


def test_networks_that_do_not_run_with_cast_weights_are_computed_under_autocast(load_tiny: Load) -> None:
    own, stubborn = load_tiny("vit"), load_tiny("vit")
    own.network = OwnFeatures(own.network)
    stubborn.network.visual.ln_pre = Stubborn()
    pixels = torch.randn(2, 3, 32, 32)
    for loaded in (own, stubborn):
        tower = ImageTower(loaded, "cpu", "bf16")
        assert tower._cast is None
        with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
            expected = loaded.image_features(pixels)[1].float()
        torch.testing.assert_close(tower(pixels)[1], expected)
        tower.release()
        assert all(p.dtype == torch.float32 for p in loaded.network.parameters())


def test_after_release_the_models_tower_is_the_cast_one(load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    tower = ImageTower(loaded, "cpu", "bf16")
    pixels = torch.randn(2, 3, 32, 32)
    before = tower(pixels)[1]
    tower.release()
    assert loaded.network.visual.conv1.weight.dtype == torch.bfloat16
    torch.testing.assert_close(tower(pixels)[1], before, rtol=0, atol=0)


class Small:
    """A network on a device with room for so many images of a batch."""

    def __init__(self, loaded: LoadedModel, room: int) -> None:
        self.sizes: list[int] = []
        whole = loaded.image_features

        def image_features(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            self.sizes.append(len(pixels))
            if len(pixels) > room:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return whole(pixels)

        loaded.image_features = image_features  # type: ignore[method-assign]


def test_a_batch_that_does_not_fit_is_halved_and_so_are_all_after_it(load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    pixels = torch.randn(11, 3, *loaded.image_size, generator=torch.Generator().manual_seed(0))
    expected = ImageTower(loaded, "cpu", "fp32")(pixels)
    small = Small(loaded, room=3)
    tower = ImageTower(loaded, "cpu", "fp32")
    for found, exact in zip(tower(pixels), expected, strict=True):
        torch.testing.assert_close(found, exact)
    assert small.sizes == [11, 5, 2, 2, 2, 2, 2, 1]
    small.sizes.clear()
    tower(pixels[:5])
    assert small.sizes == [2, 2, 1], "what was learnt is kept"


def test_no_room_for_one_image_is_an_error(load_tiny: Load) -> None:
    loaded = load_tiny("vit")
    Small(loaded, room=0)
    with pytest.raises(torch.OutOfMemoryError):
        ImageTower(loaded, "cpu", "fp32")(torch.randn(4, 3, *loaded.image_size))
