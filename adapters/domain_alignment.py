"""Domain alignment: source features are given the moments of the target's before a head is fitted on them.

- `mean`: the mean of each domain is taken off its features, as adaptive batch normalisation does with a network's
  statistics (Li et al., "Adaptive Batch Normalization for practical domain adaptation", Pattern Recognition 80, 2018).
- `coral`: source features are whitened with the source's covariance and coloured with the target's (Sun, Feng and
  Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016, algorithm 1), about the target's mean.

Moments of the source are those of its training images, moments of the target those of its unlabelled images; features
have unit norm before. What differs: the paper adds the identity to both covariances, which is of the size of its
features and not of ours; here each is shrunk towards a multiple of the identity by as much as Ledoit and Wolf's formula
says (Journal of Multivariate Analysis 88, 2004), so that there is nothing to choose. The head is any that is fitted on
features, and its hyper-parameters come from validation images of the source, aligned as its training images are.

All test images are taken for images of the target. Where test has images of the source, too, these pay for it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from adapters._unlabelled.base import BaseConfig, Bases, restored
from adapters.gda import Gda
from adapters.knn import Knn
from adapters.linear_probe import LinearProbe
from adapters.nearest_class_mean import NearestClassMean
from workbench.plugin import (
    ClassificationRecipe,
    ClassificationTask,
    Features,
    FloatArray,
    ImageSet,
    LabelledImages,
    Predictor,
    RecipeConfig,
    RecipeError,
    TaskModel,
    normalise,
)

if TYPE_CHECKING:
    from workbench.plugin import Head

_BASES: Bases = {"linear-probe": LinearProbe, "nearest-class-mean": NearestClassMean, "knn": Knn, "gda": Gda}
_BASE = "base"


class DomainAlignmentConfig(BaseConfig):
    """Settings of `domain-alignment`.

    Attributes:
        base: The head that is fitted on aligned features.
        moments: `mean`, or `coral` for mean and covariance.
    """

    bases: ClassVar[Bases] = _BASES

    base: Literal["linear-probe", "nearest-class-mean", "knn", "gda"] = "linear-probe"
    moments: Literal["mean", "coral"] = "mean"


class DomainAlignment(ClassificationRecipe[DomainAlignmentConfig]):
    """Fit a head on source features that have the moments of the target's unlabelled images."""

    Config: ClassVar[type[RecipeConfig]] = DomainAlignmentConfig
    unlabelled: ClassVar[bool] = True

    def fit(self, task: ClassificationTask) -> Predictor:
        """Estimate the moments of both domains, and fit the base on what they make of its images."""
        if task.unlabelled is None or not len(task.unlabelled):
            raise RecipeError(
                "domain-alignment needs unlabelled images of the target, and there are none; see splits.unlabelled of "
                "the card, and [[transfer]]."
            )
        if not len(task.train):
            raise RecipeError("domain-alignment needs labelled training images, and there are none.")
        source, target = task.train.images.features, task.unlabelled.features
        maps = {
            "pooled": _Maps.between(source.pooled, target.pooled, self.config.moments),
            "projected": _Maps.between(source.projected, target.projected, self.config.moments),
        }
        base = self.config.fitted(
            replace(task, train=_aligned(task.train, maps), val=_aligned(task.val, maps), unlabelled=None)
        )
        predictor = Aligned(self.config.base, base, {name: each.of_target for name, each in maps.items()})
        predictor.report = base.report
        return predictor

    @classmethod
    def restore(cls, directory: Path, model: TaskModel, device: str) -> Predictor:
        """See `ClassificationRecipe.restore`."""
        from safetensors.numpy import load_file

        name = json.loads((directory / "alignment.json").read_text(encoding="utf-8"))["base"]
        means = load_file(directory / "alignment.safetensors")
        return Aligned(name, restored(_BASES, name, directory / _BASE, model, device), means)


class Aligned(Predictor):
    """A head on features from which the target's mean has been taken.

    Args:
        name: Registered name of the base.
        base: Fitted on aligned features.
        means: float32 (d,) of each feature space, taken off features of unit norm; zeros where there is nothing to do.
    """

    def __init__(self, name: str, base: Predictor, means: Mapping[str, FloatArray]) -> None:
        self.name, self.base, self.means = name, base, means
        self.scale = base.scale

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        features = images.features
        shifted = Features(
            normalise(features.pooled) - self.means["pooled"], normalise(features.projected) - self.means["projected"]
        )
        return self.base.scores(ImageSet(len(images), lambda: shifted, images.decode))

    def as_head(self) -> "Head":
        """See `Predictor.as_head`."""
        from adapters._heads.centred import CentredHead

        return CentredHead(self.base.as_head(), self.means["pooled"], self.means["projected"])

    def save(self, directory: Path) -> None:
        """Write `alignment.json` and `alignment.safetensors`, and the base into `base`."""
        from safetensors.numpy import save_file

        save_file(dict(self.means), directory / "alignment.safetensors")
        (directory / "alignment.json").write_text(json.dumps({"base": self.name}), encoding="utf-8")
        (directory / _BASE).mkdir()
        self.base.save(directory / _BASE)


class _Maps:
    """What becomes of features of the source, (x - centre) @ matrix + shift, and of the target, x - `of_target`."""

    def __init__(self, centre: FloatArray, matrix: FloatArray | None, shift: FloatArray, of_target: FloatArray) -> None:
        self._centre, self._matrix, self._shift = centre, matrix, shift
        self.of_target = of_target

    @classmethod
    def between(cls, source: FloatArray, target: FloatArray, moments: str) -> "_Maps":
        """Those that give features of the source (n, d) the moments of features of the target (m, d)."""
        a, b = normalise(source), normalise(target)
        centre, mean = a.mean(axis=0), b.mean(axis=0)
        if moments == "mean":
            return cls(centre, None, np.zeros_like(centre), mean)
        from sklearn.covariance import ledoit_wolf

        white, colour = (ledoit_wolf(np.asarray(each, np.float64))[0] for each in (a, b))
        matrix = _power(white, -0.5) @ _power(colour, 0.5)
        return cls(centre, matrix.astype(np.float32), mean, np.zeros_like(mean))

    def of_source(self, x: FloatArray) -> FloatArray:
        """Aligned features, (n, d)."""
        centred = normalise(x) - self._centre
        moved = centred if self._matrix is None else centred @ self._matrix
        return np.asarray(moved + self._shift, dtype=np.float32)


def _power(covariance: FloatArray, exponent: float) -> FloatArray:
    """A symmetric matrix to a power; directions without any spread stay without."""
    values, vectors = np.linalg.eigh(covariance)
    least = values.max() * np.finfo(np.float64).eps * len(values)
    powers = np.where(values > least, np.maximum(values, least) ** exponent, 0.0)
    return np.asarray((vectors * powers) @ vectors.T)


def _aligned(data: LabelledImages, maps: Mapping[str, _Maps]) -> LabelledImages:
    def load() -> Features:
        own = data.images.features
        return Features(maps["pooled"].of_source(own.pooled), maps["projected"].of_source(own.projected))

    return replace(data, images=ImageSet(len(data), load, data.images.decode))
