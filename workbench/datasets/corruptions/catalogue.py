"""Corruptions of images, as domains to test on.

Those of Hendrycks and Dietterich (ImageNet-C, ICLR 2019) with their strengths, and such as scanners, laboratories and
cameras make.
"""

from workbench.datasets.corruptions.acquisition import ACQUISITION
from workbench.datasets.corruptions.blur import BLUR
from workbench.datasets.corruptions.corruption import SEVERITIES, Corruption
from workbench.datasets.corruptions.digital import DIGITAL
from workbench.datasets.corruptions.noise import NOISE
from workbench.datasets.corruptions.weather import WEATHER

CORRUPTIONS: dict[str, Corruption] = {
    each.name: each for each in (*NOISE, *BLUR, *WEATHER, *DIGITAL, *ACQUISITION)
}  # fmt: skip
"""All corruptions by name."""

VERSION = 1
"""Raise it when a corruption gives other pixels: it is part of the key of features."""

__all__ = ["CORRUPTIONS", "SEVERITIES", "VERSION", "Corruption"]
