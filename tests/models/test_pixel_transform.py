"""Transforms on 8-bit pixels against those of open_clip, timm and transformers, on noise: the worst of all pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from timm.data import create_transform
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Lambda, Normalize, Pad, Resize, ToTensor, v2

from workbench.models.pixel_transform import Crop, PixelTransform, pixel_transform, transform_of_processor

MEAN, STD = (0.48, 0.45, 0.40), (0.26, 0.27, 0.28)
SIZES = [(90, 70), (70, 90), (64, 64), (65, 64), (301, 97), (97, 302), (33, 200), (20, 17), (640, 481), (1, 5)]
LEVELS = 2


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng([width, height])
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[: height // 3] = np.where(pixels[: height // 3] > 127, 255, 0)  # Edges, beyond which the filters reach.
    return Image.fromarray(pixels)


def open_clip(**settings: Any) -> Compose:
    values = {"size": 64, "mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest", **settings}
    return image_transform_v2(PreprocessCfg(**values), is_train=False)


def timm(**settings: Any) -> Compose:
    return create_transform(**{"input_size": (3, 64, 64), "mean": MEAN, "std": STD, "crop_pct": 0.9, **settings})


TRANSFORMS: dict[str, Callable[[], Any]] = {
    "open_clip": open_clip,
    "open_clip bilinear": lambda: open_clip(interpolation="bilinear"),
    "open_clip squash": lambda: open_clip(resize_mode="squash"),
    "open_clip longest": lambda: open_clip(resize_mode="longest", fill_color=7),
    "open_clip oblong": lambda: open_clip(size=(48, 64)),
    "open_clip oblong squash": lambda: open_clip(size=(48, 64), resize_mode="squash"),
    "timm": lambda: timm(interpolation="bicubic"),
    "timm bilinear": lambda: timm(interpolation="bilinear", crop_pct=1.0),
    "timm squash": lambda: timm(interpolation="bicubic", crop_mode="squash"),
    "timm border": lambda: timm(interpolation="bilinear", crop_mode="border"),
    "timm oblong": lambda: timm(input_size=(3, 48, 64), interpolation="bicubic"),
    "without a crop": lambda: Compose([Resize(40), ToTensor(), Normalize(MEAN, STD)]),
    "without a resize": lambda: Compose([CenterCrop((40, 33)), ToTensor(), Normalize(MEAN, STD)]),
}


def levels(normalised: torch.Tensor) -> torch.Tensor:
    return (normalised * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)) * 255


def transformed(transform: Any, image: Image.Image) -> torch.Tensor:
    return transform.normalise(transform(np.array(image)).permute(2, 0, 1)[None])[0]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_pixels_are_within_two_levels_of_the_reference(name: str) -> None:
    reference = TRANSFORMS[name]()
    transform = pixel_transform(reference)
    assert transform is not None
    furthest, mean = 0.0, []
    for width, height in SIZES:
        image = noise(width, height)
        expected, found = reference(image), transformed(transform, image)
        assert found.dtype == torch.float32
        assert found.shape == expected.shape, (width, height)
        difference = (levels(found) - levels(expected)).abs()
        furthest = max(furthest, difference.max().item())
        mean.append(difference.mean().item())
    assert furthest < LEVELS + 0.01
    assert np.mean(mean) < 0.05


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_any_size_to_any_other_is_within_two_levels(interpolation: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        width, height, *size = np.exp(rng.uniform(np.log(8), np.log(300), 4)).astype(int).tolist()
        reference = open_clip(size=tuple(size), resize_mode="squash", interpolation=interpolation)
        transform, image = pixel_transform(reference), noise(width, height)
        assert transform is not None
        difference = (levels(transformed(transform, image)) - levels(reference(image))).abs().max().item()
        assert difference < LEVELS + 0.01, (width, height, size)


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    image = noise(64, 64)
    transform = pixel_transform(open_clip())
    assert transform is not None
    assert np.array_equal(transform(np.array(image)), np.asarray(image))
    torch.testing.assert_close(transformed(transform, image), open_clip()(image), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "reference",
    [
        lambda image: image,
        Compose([Resize(40), ToTensor()]),
        Compose([Resize(40, interpolation=InterpolationMode.NEAREST), ToTensor(), Normalize(MEAN, STD)]),
        Compose([Resize(40, antialias=False), ToTensor(), Normalize(MEAN, STD)]),
        Compose([Resize(40, max_size=50), ToTensor(), Normalize(MEAN, STD)]),
        Compose([Pad(3), Resize(40), ToTensor(), Normalize(MEAN, STD)]),
        Compose([CenterCrop(50), Resize(40), ToTensor(), Normalize(MEAN, STD)]),
        Compose([Resize(40), ToTensor(), Normalize(MEAN, STD), Lambda(lambda x: x * 2)]),
        Compose([Resize(40), ToTensor(), Normalize(MEAN[:1], STD[:1])]),
        image_transform_v2(PreprocessCfg(size=64), is_train=True),
        timm(crop_border_pixels=4),
    ],
)
def test_transforms_with_other_steps_are_not_taken_for_what_they_are_not(reference: Any) -> None:
    assert pixel_transform(reference) is None


def processors() -> list[Any]:
    from transformers.models.clip.image_processing_clip import CLIPImageProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    from transformers.models.siglip.image_processing_siglip import SiglipImageProcessor

    usual = {"image_mean": list(MEAN), "image_std": list(STD)}
    edge, exact = {"shortest_edge": 64}, {"height": 64, "width": 64}
    return [
        CLIPImageProcessor(size=edge, crop_size=exact, **usual),
        CLIPImageProcessor(size={"shortest_edge": 70}, crop_size=exact, resample=2, **usual),
        SiglipImageProcessor(size=exact, **usual),
        CLIPImageProcessorPil(size=edge, crop_size=exact, **usual),
        SiglipImageProcessorPil(size=exact, **usual),
    ]


@pytest.mark.parametrize("which", range(5))
def test_image_processors_of_transformers_are_read_too(which: int) -> None:
    processor = processors()[which]
    transform = transform_of_processor(processor)
    assert transform is not None
    for width, height in SIZES[:-1]:
        image = noise(width, height)
        expected = torch.as_tensor(processor(image, return_tensors="pt")["pixel_values"][0])
        difference = (levels(transformed(transform, image)) - levels(expected)).abs().max().item()
        assert difference < LEVELS + 0.01, (width, height)


@pytest.mark.parametrize(
    "settings",
    [{"do_normalize": False}, {"do_rescale": False}, {"rescale_factor": 1.0}, {"resample": 0}, {"do_pad": True},
     {"size": {"shortest_edge": 64, "longest_edge": 90}}],
)  # fmt: skip
def test_image_processors_with_other_steps_are_not(settings: dict[str, Any]) -> None:
    from transformers.models.clip.image_processing_clip import CLIPImageProcessor

    assert transform_of_processor(CLIPImageProcessor(**settings)) is None


def test_a_crop_beyond_the_picture_is_filled_up() -> None:
    crop = Crop((5, 4), fill=(1, 2, 3))
    found = crop(torch.full((2, 7, 3), 9, dtype=torch.uint8))
    assert found.shape == (5, 4, 3)
    assert found[1:3].unique().tolist() == [9]
    assert found[[0, 3, 4]].reshape(-1, 3).unique(dim=0).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last], ids=["planes", "channels last"])
def test_normalisation_equals_torchvision_whatever_the_order_in_memory(order):
    pixels = torch.randint(0, 256, (3, 3, 5, 7), dtype=torch.uint8).contiguous(memory_format=order)
    found = PixelTransform(None, None, MEAN, STD).normalise(pixels)
    expected = v2.functional.normalize(v2.functional.to_dtype(pixels, torch.float32, scale=True), MEAN, STD)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)
    assert found.is_contiguous(memory_format=order)
