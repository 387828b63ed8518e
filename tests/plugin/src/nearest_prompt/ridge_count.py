"""Ridge regression of the count on pooled features; the penalty is chosen on validation."""

from pathlib import Path

import numpy as np

from nearest_prompt.counting.given import CountTask
from nearest_prompt.counting.recipe import Counter, CountRecipe
from workbench.plugin import FitReport, FloatArray, ImageSet, TaskModel

PENALTIES = (1e-4, 1e-2, 1.0, 1e2)


class RidgeCount(CountRecipe):
    """See the module."""

    def fit_count(self, task: CountTask) -> Counter:
        """See `CountRecipe.fit_count`."""
        from sklearn.linear_model import Ridge

        x, y = task.train.images.features.pooled, task.train.counts
        fitted = {alpha: Ridge(alpha=alpha).fit(x, y) for alpha in PENALTIES}
        trials, best = [], PENALTIES[-1]
        if len(task.val):
            x_val, y_val = task.val.images.features.pooled, task.val.counts
            errors = {alpha: float(np.abs(own.predict(x_val) - y_val).mean()) for alpha, own in fitted.items()}
            best = min(errors, key=errors.__getitem__)
            trials = [{"alpha": alpha, "val_mean_absolute_error": error} for alpha, error in errors.items()]
        found = Linear(fitted[best].coef_, float(fitted[best].intercept_))
        found.report = FitReport(chosen={"alpha": best}, trials=trials, trainable_parameters=x.shape[1] + 1)
        return found

    @classmethod
    def restore_count(cls, directory: Path, model: TaskModel, device: str) -> Counter:
        """See `CountRecipe.restore_count`."""
        values = np.load(directory / "ridge.npy")
        return Linear(values[:-1], float(values[-1]))


class Linear(Counter):
    """A linear function of pooled features.

    Args:
        weight: (d,).
        bias: Added.
    """

    def __init__(self, weight: FloatArray, bias: float) -> None:
        self.weight, self.bias = weight, bias

    def counts(self, images: ImageSet) -> FloatArray:
        """See `Counter.counts`."""
        return images.features.pooled @ self.weight + self.bias

    def save(self, directory: Path) -> None:
        """Write `ridge.npy`."""
        np.save(directory / "ridge.npy", np.append(self.weight, self.bias))
