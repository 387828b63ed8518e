"""Each corruption does what its paper says, at five strengths, and is drawn from the generator that it is given."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from workbench.datasets.corruptions.catalogue import CORRUPTIONS, SEVERITIES
from workbench.datasets.corruptions.names import FAMILIES, NAMES

# Not stronger in pixels with each severity, in ImageNet-C itself: its strengths trade one parameter for another.
UNEVEN = {"glass-blur", "snow", "fog", "saturate", "elastic-transform"}


@pytest.fixture(scope="module")
def picture():
    """A photograph's likeness: smooth patches with edges, uint8 (224, 224, 3)."""
    coarse = np.random.default_rng(0).integers(30, 226, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((224, 224), Image.Resampling.BICUBIC))


def spoilt(name, pixels, severity, seed=0):
    return CORRUPTIONS[name](pixels, severity, np.random.default_rng(seed))


def test_every_name_has_its_corruption():
    assert tuple(CORRUPTIONS) == tuple(NAMES)
    assert FAMILIES == ("noise", "blur", "weather", "digital", "acquisition")


@pytest.mark.parametrize("name", NAMES)
def test_all_take_any_picture_and_grow_with_severity(name, picture):
    errors = []
    for severity in SEVERITIES:
        found = spoilt(name, picture, severity)
        assert found.shape == picture.shape
        assert found.dtype == np.uint8
        assert (found == spoilt(name, picture, severity)).all(), "the same generator draws the same"
        errors.append(np.square(found.astype(float) - picture).mean())
    assert errors[0] > 0
    if name not in UNEVEN:
        assert errors == sorted(errors)
    for shape in ((1, 1, 3), (1, 40, 3), (37, 5, 3)):
        assert spoilt(name, np.full(shape, 90, np.uint8), 5).shape == shape


@pytest.mark.parametrize("edge", [112, 448])
@pytest.mark.parametrize("name", ["defocus-blur", "gaussian-blur", "motion-blur", "pixelate"])
def test_lengths_grow_with_the_image(name, edge):
    coarse = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)

    def error(size):
        picture = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC))
        return np.square(spoilt(name, picture, 3).astype(float) - picture).mean()

    assert error(edge) == pytest.approx(error(224), rel=0.35)


def test_noise_has_the_deviation_that_is_published():
    grey = np.full((200, 200, 3), 128, np.uint8)
    level = 128 / 255
    for severity, deviation in zip(SEVERITIES, (0.08, 0.12, 0.18), strict=False):
        noise = spoilt("gaussian-noise", grey, severity) / 255 - level
        assert noise.std() == pytest.approx(deviation, rel=0.03)
        speckle = spoilt("speckle-noise", grey, severity) / 255 - level
        assert speckle.std() == pytest.approx(level * (0.15, 0.2, 0.35)[severity - 1], rel=0.03)
    shot = spoilt("shot-noise", grey, 1) / 255
    assert shot.mean() == pytest.approx(level, abs=0.005)
    assert shot.var() == pytest.approx(level / 60, rel=0.05)  # A Poisson count's variance is its mean.
    impulse = spoilt("impulse-noise", grey, 3)
    assert (impulse != 128).mean() == pytest.approx(0.09, abs=0.005)
    assert set(np.unique(impulse)) == {0, 128, 255}


def test_a_magnitude_image_of_nothing_has_the_mean_of_a_rayleigh_distribution():
    nothing = np.zeros((300, 300, 3), np.uint8)
    found = spoilt("rician-noise", nothing, 3)
    assert (found[..., 0] == found[..., 1]).all(), "grey stays grey"
    assert found.mean() / 255 == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.01)


def test_the_image_of_a_point_is_a_disk_a_bell_or_a_trail():
    point = np.zeros((224, 224, 3), np.uint8)
    point[96:128, 96:128] = 255  # A square, so that what is spread over many pixels is still seen.
    disk = spoilt("defocus-blur", point, 5).astype(float)
    assert disk.sum() == pytest.approx(point.astype(float).sum(), rel=0.01), "light is kept"
    rows = np.flatnonzero(disk[:, 112, 0] > 0)
    assert (rows[0], rows[-1]) == (pytest.approx(96 - 10, abs=2), pytest.approx(127 + 10, abs=2))
    trail = spoilt("motion-blur", point, 5).astype(float)
    columns = np.flatnonzero(trail[112, :, 0] > 0)
    assert columns[-1] == 127 or columns[0] == 96, "it is on one side"
    assert columns[-1] - columns[0] > 40


def test_contrast_brightness_and_saturation_are_those_of_their_formulas(picture):
    values = picture / 255
    means = values.mean(axis=(0, 1))
    assert spoilt("contrast", picture, 2) / 255 == pytest.approx((values - means) * 0.3 + means, abs=0.003)
    hsv = np.asarray(Image.fromarray(picture).convert("HSV")).astype(float)
    brighter = np.asarray(Image.fromarray(spoilt("brightness", picture, 2)).convert("HSV")).astype(float)
    assert brighter[..., 2] == pytest.approx(np.minimum(hsv[..., 2] + 0.2 * 255, 255), abs=1.5)
    assert np.abs(brighter[..., 1] - hsv[..., 1]).max() <= 4
    paler = np.asarray(Image.fromarray(spoilt("saturate", picture, 1)).convert("HSV")).astype(float)
    assert paler[..., 1] == pytest.approx(0.3 * hsv[..., 1], abs=4)
    assert paler[..., 2] == pytest.approx(hsv[..., 2], abs=1.5)


def test_jpeg_is_that_of_the_quality(picture):
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=15)
    assert (spoilt("jpeg-compression", picture, 3) == np.asarray(Image.open(file))).all()


def test_a_bias_field_is_smooth_and_multiplies():
    flat = np.full((96, 96, 3), 100, np.uint8)
    found = spoilt("bias-field", flat, 3).astype(float)
    assert found.mean() == pytest.approx(100, rel=0.05)
    assert np.abs(found / 100 - 1).max() == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.diff(found, axis=0)).max() < 15
    assert (spoilt("bias-field", 0 * flat, 5) == 0).all()


def test_stains_move_in_optical_density(picture):
    stains = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
    tissue = np.exp(-np.random.default_rng(0).uniform(0.1, 0.6, (40, 40, 3)) @ stains)
    pixels = np.rint(tissue * 255).astype(np.uint8)
    before, after = (
        -np.log(image / 255) @ np.linalg.inv(stains) for image in (pixels, spoilt("stain-shift", pixels, 3))
    )
    for stain in range(3):
        slope, shift = np.polyfit(before[..., stain].ravel(), after[..., stain].ravel(), 1)
        assert min(abs(slope - 1.15), abs(slope - 0.85)) < 0.02
        assert min(abs(shift - 0.015), abs(shift + 0.015)) < 0.01


def test_coarse_pixels_are_blocks():
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    found = spoilt("pixelate", picture, 5)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 56 * 56
    assert (found[0, :4] == found[0, 0]).all()
    assert np.abs(found[:4, :4].mean(axis=(0, 1)) - picture[:4, :4].mean(axis=(0, 1))).max() <= 1


def test_fog_and_snow_make_pictures_paler(picture):
    assert spoilt("fog", picture, 1).std() < picture.std()
    assert spoilt("snow", picture, 3).mean() > picture.mean() + 20
    assert spoilt("low-light", picture, 4).mean() < 0.5 * picture.mean()
