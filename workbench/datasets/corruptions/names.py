"""Names of the corruptions with their families; what they do is read where an image is corrupted."""

NAMES: dict[str, str] = {
    "gaussian-noise": "noise",
    "shot-noise": "noise",
    "impulse-noise": "noise",
    "speckle-noise": "noise",
    "defocus-blur": "blur",
    "glass-blur": "blur",
    "motion-blur": "blur",
    "zoom-blur": "blur",
    "gaussian-blur": "blur",
    "snow": "weather",
    "fog": "weather",
    "brightness": "weather",
    "saturate": "weather",
    "contrast": "digital",
    "elastic-transform": "digital",
    "pixelate": "digital",
    "jpeg-compression": "digital",
    "rician-noise": "acquisition",
    "bias-field": "acquisition",
    "stain-shift": "acquisition",
    "low-light": "acquisition",
}

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(NAMES.values()))
"""Names that stand for all corruptions of a kind."""
