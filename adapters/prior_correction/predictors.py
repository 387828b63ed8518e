"""Predictors whose probabilities are corrected for class shares, saved together with the base that they correct."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adapters.prior_correction.estimates import Calibration, Corrector
from workbench.plugin import AnyArray, FloatArray, ImageSet, Predictor, TransductivePredictor

if TYPE_CHECKING:
    from workbench.plugin import Head

BASE = "base"
"""The folder that the base is saved in."""
_SETTINGS = "correction.json"


class CorrectedTogether(TransductivePredictor):
    """Corrects the base's probabilities for the class shares of the images that it is asked about."""

    def __init__(self, name: str, base: Predictor, corrector: Corrector) -> None:
        self.name, self.base, self.corrector = name, base, corrector
        self.scale = base.scale

    def scores(self, images: ImageSet) -> FloatArray:
        """See `TransductivePredictor`."""
        log_probability = self.corrector.calibrated(self.base.scores(images))
        if not len(images):
            return np.asarray(log_probability, np.float32)
        return np.asarray(log_probability + np.log(self.corrector.weights(log_probability)), np.float32)

    def save(self, directory: Path) -> None:
        """Write `correction.json`, and the base into `base`."""
        _save(directory, self.name, self.base, self.corrector, None)


class Corrected(Predictor):
    """Corrects the base's probabilities by weights that are known."""

    def __init__(self, name: str, base: Predictor, corrector: Corrector, weights: AnyArray) -> None:
        self.name, self.base, self.corrector, self.weights = name, base, corrector, weights
        self.scale = base.scale

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        return np.asarray(self.corrector.calibrated(self.base.scores(images)) + np.log(self.weights), np.float32)

    def as_head(self) -> "Head":
        """See `Predictor.as_head`; its logits are no log-probabilities, but those of the same probabilities."""
        from workbench.plugin import AffineHead

        calibration = self.corrector.calibration
        factor = np.full(len(self.weights), 1 / calibration.temperature)
        return AffineHead(self.base.as_head(), factor, calibration.bias + np.log(self.weights))

    def save(self, directory: Path) -> None:
        """Write `correction.json`, and the base into `base`."""
        _save(directory, self.name, self.base, self.corrector, self.weights)


def _save(directory: Path, name: str, base: Predictor, corrector: Corrector, weights: AnyArray | None) -> None:
    values = {
        "base": name,
        "source": corrector.source.tolist(),
        "temperature": corrector.calibration.temperature,
        "bias": corrector.calibration.bias.tolist(),
        "confusion": None if corrector.confusion is None else corrector.confusion.tolist(),
        "weights": None if weights is None else weights.tolist(),
    }
    (directory / _SETTINGS).write_text(json.dumps(values), encoding="utf-8")
    (directory / BASE).mkdir()
    base.save(directory / BASE)


def read_correction(directory: Path) -> tuple[str, Corrector, AnyArray | None]:
    """The base's name, the corrector, and the weights where they are known, from what `save` wrote."""
    found: dict[str, Any] = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
    confusion, weights = (None if found[key] is None else np.asarray(found[key]) for key in ("confusion", "weights"))
    calibration = Calibration(found["temperature"], np.asarray(found["bias"]))
    return found["base"], Corrector(np.asarray(found["source"]), calibration, confusion), weights
