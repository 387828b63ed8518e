"""Prior correction: a classifier whose answers follow the class shares of the target, estimated without labels.

Under label shift classes look as they did, and are more or less frequent. A classifier's probabilities are then right
once each is multiplied by w_c = target share / source share and they are normalised anew. `method` estimates the target
shares from images without labels:

- `em`: Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities: A
  Simple Procedure" (Neural Computation 2002): shares are the mean of the corrected probabilities, in turns until they
  agree, which is the maximum of the likelihood.
- `bbse`: Lipton, Wang and Smola, "Detecting and Correcting for Label Shift with Black Box Predictors" (ICML 2018): w
  solves C w = m, where C holds the shares of (predicted, true) on validation images of the source, and m the shares of
  predicted classes on the target; below 0 it is 0. Here it corrects probabilities, where the paper trains anew.

Both want calibrated probabilities (Alexandari, Kundaje and Shrikumar, "Maximum Likelihood with Bias-Corrected
Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020): where there are validation images, a temperature
and a bias for each class are chosen on them by NLL, as there, and the source's shares are theirs. What differs: where
a class has under five validation images there are no biases, and where a temperature alone, or nothing, has less NLL in
cross-validation, that is taken.

With `pool = "test"` the shares are those of the test images (transductive), with `pool = "unlabelled"` those of the
unlabelled ones (inductive). Classes never predicted on the source make C singular: of its solutions the shortest
counts.
"""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from adapters._unlabelled.base import BaseConfig, Bases, restored
from adapters.gda import Gda
from adapters.linear_probe import LinearProbe
from adapters.linear_probe_text import LinearProbeText
from adapters.prior_correction.estimates import (
    Calibration,
    Corrector,
    Kind,
    best_calibration,
    calibrated_on,
    confusion_of,
)
from adapters.prior_correction.predictors import BASE, Corrected, CorrectedTogether, read_correction
from adapters.zero_shot import ZeroShot
from workbench.plugin import (
    AnyArray,
    ClassificationRecipe,
    ClassificationTask,
    Inference,
    Predictor,
    RecipeConfig,
    RecipeError,
    TaskModel,
)

_BASES: Bases = {
    "zero-shot": ZeroShot, "linear-probe": LinearProbe, "linear-probe-text": LinearProbeText, "gda": Gda
}  # fmt: skip
_FITS_SHARES = {"linear-probe", "linear-probe-text"}
"""Fitted by likelihood, so that the shares of training are in their probabilities; the others take equal ones."""


class PriorCorrectionConfig(BaseConfig):
    """Settings of `prior-correction`.

    Attributes:
        base: The recipe whose probabilities are corrected.
        base_settings: Its settings.
        method: `em` or `bbse`; the latter needs validation images.
        pool: Images whose class shares are estimated: `test`, all test images together, or `unlabelled`.
        calibration: What validation images choose first: a temperature and a bias for each class (`bias-corrected`), a
            `temperature` alone, or `none`; `auto` takes the one of least NLL in cross-validation on them.
    """

    bases: ClassVar[Bases] = _BASES

    base: Literal["zero-shot", "linear-probe", "linear-probe-text", "gda"] = "zero-shot"
    method: Literal["em", "bbse"] = "em"
    pool: Literal["test", "unlabelled"] = "test"
    calibration: Literal["auto", "bias-corrected", "temperature", "none"] = "auto"


class PriorCorrection(ClassificationRecipe[PriorCorrectionConfig]):
    """Fit another recipe, and correct it for the class shares of the target."""

    version: ClassVar[str] = "2"
    Config: ClassVar[type[RecipeConfig]] = PriorCorrectionConfig
    inference: ClassVar[Inference] = "transductive"

    @classmethod
    def uses_labels(cls, config: PriorCorrectionConfig) -> bool:
        """See `Recipe.uses_labels`."""
        return config.base != "zero-shot" or config.method == "bbse"

    @classmethod
    def inference_of(cls, config: PriorCorrectionConfig) -> Inference:
        """See `Recipe.inference_of`."""
        return "transductive" if config.pool == "test" else "inductive"

    @classmethod
    def uses_unlabelled(cls, config: PriorCorrectionConfig) -> bool:
        """See `Recipe.uses_unlabelled`."""
        return config.pool == "unlabelled"

    def fit(self, task: ClassificationTask) -> Predictor:
        """Fit the base, a temperature, and with `bbse` the confusion matrix; with a pool of its own the shares, too."""
        base, corrector, calibration = self._fitted(task)
        chosen = dict(base.report.chosen)
        if len(task.val):
            chosen["calibration"] = calibration
        if calibration != "none":
            chosen["temperature"] = round(corrector.calibration.temperature, 4)
        report = replace(base.report, chosen=chosen)
        if self.config.pool == "test":
            together = CorrectedTogether(self.config.base, base, corrector)
            together.report = report
            return together
        if task.unlabelled is None or not len(task.unlabelled):
            raise RecipeError('prior-correction: pool = "unlabelled" needs unlabelled images, and there are none.')
        weights = corrector.weights(corrector.calibrated(base.scores(task.unlabelled)))
        predictor = Corrected(self.config.base, base, corrector, weights)
        shares = corrector.source * weights / (corrector.source * weights).sum()
        said = f"Estimated class shares of the target: {_shares(task.class_names, shares)}."
        predictor.report = replace(report, notes=(*report.notes, said))
        return predictor

    def _fitted(self, task: ClassificationTask) -> tuple[Predictor, Corrector, Kind]:
        """The base, what corrects it, and the calibration that was taken."""
        name = self.config.base
        if name != "zero-shot" and not len(task.train):
            raise RecipeError(f"prior-correction: base {name!r} needs training images, and there are none.")
        if self.config.method == "bbse" and not len(task.val):
            raise RecipeError(
                "prior-correction: method 'bbse' counts predictions on validation images, and there are none; give the "
                "dataset a validation split, or take method = 'em'."
            )
        # Validation images measure the base here, so that it must not be fitted on them in the end.
        base = self.config.fitted(replace(task, refit=False, val_made=False))
        source = np.full(task.n_classes, 1 / task.n_classes)
        if name in _FITS_SHARES:
            source = _smoothed_shares(task.train.labels, task.n_classes)
        kind, calibration = self._calibration(base, task)
        if kind == "bias-corrected":  # Probabilities then hold under the shares of validation.
            source = _smoothed_shares(task.val.labels, task.n_classes)
        confusion = None
        if self.config.method == "bbse":
            confusion = confusion_of(base, task.val, task.n_classes)
        return base, Corrector(source, calibration, confusion), kind

    def _calibration(self, base: Predictor, task: ClassificationTask) -> tuple[Kind, Calibration]:
        wanted, plain = self.config.calibration, Calibration(1.0, np.zeros(task.n_classes))
        if wanted == "none" or not len(task.val):
            return "none", plain
        scores, labels = base.scores(task.val.images), task.val.labels
        kind = best_calibration(scores, labels, task.val.groups, task.seed) if wanted == "auto" else wanted
        return kind, plain if kind == "none" else calibrated_on(scores, labels, biases=kind == "bias-corrected")

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        name, corrector, weights = read_correction(directory)
        base = restored(_BASES, name, directory / BASE, model, device)
        if weights is None:
            return CorrectedTogether(name, base, corrector)
        return Corrected(name, base, corrector, weights)


def _smoothed_shares(labels: AnyArray, n_classes: int) -> AnyArray:
    """Class shares of some images; a class without one counts as half an image."""
    counts = np.maximum(np.bincount(labels, minlength=n_classes), 0.5)
    return np.asarray(counts / counts.sum())


def _shares(names: tuple[str, ...], shares: AnyArray) -> str:
    order = np.argsort(-shares, kind="stable")[:5]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"{names[c]} {100 * shares[c]:.1f} %" for c in order) + more
