"""Planted features with CLIP's geometry: a modality gap, long text vectors, and text that is right most of the time.

Images of a class scatter around its mean, and all images share a direction that no text has (Liang et al., "Mind the
Gap", NeurIPS 2022). A class's text points to its mean with an error of its own. Text vectors have norms of 5 to 10
before normalisation, as CLIP's have, and the projection into the joint space is a matrix on wider features.
"""

from dataclasses import dataclass

import numpy as np

from workbench.plugin import ClassificationTask, ClassPrompts, Features, ImageSet, LabelledImages, normalise
from workbench.testing import PlantedModel, feature_images


class ProjectedModel(PlantedModel):
    """A planted model with a projection: projected features are `pooled @ projection`."""

    def __init__(self, class_names: tuple[str, ...], prototypes: np.ndarray, projection: np.ndarray) -> None:
        super().__init__(class_names, np.asarray(prototypes, np.float32))
        self.projection = projection
        self.pooled_dim = len(projection)


_NUISANCES = 8
_GAP_COSINE = 0.3  # Images and texts that belong together have cosines of 0.2 to 0.3.


@dataclass(frozen=True)
class Geometry:
    """What a set is drawn with.

    Attributes:
        n_classes: Number of classes.
        dim: Width of the joint space; pooled features are twice as wide.
        gap: Length of the direction that all images share, and of the one that all texts share; they are orthogonal to
            the classes, so that the gap itself tells no class from another.
        spread: Length of a class mean beside it.
        noise: Length of an image's own part.
        nuisance: Length of an image's part in a few directions of its own kind, such as lighting and background.
        text_error: Length of a text's own part, relative to its class mean.
        text_nuisance: Length of a text's part in the images' nuisance directions, relative to its class mean.
        text_bias: Spread of texts along the images' gap, relative to a class mean: it favours the same classes always.
    """

    n_classes: int = 20
    dim: int = 128
    gap: float = 0.8
    spread: float = 0.3
    noise: float = 0.7
    nuisance: float = 0.0
    text_error: float = 0.8
    text_nuisance: float = 0.0
    text_bias: float = 0.0


BIASED = Geometry(text_bias=0.12)
"""Texts favour some classes always; a few images mend most of it."""

NUISANCE = Geometry(gap=0.85, noise=0.5, nuisance=0.4, text_nuisance=0.7)
"""Texts mistake lighting and background for classes; it takes more images to learn what to leave out."""

STRONG = Geometry(noise=1.15, text_error=0.5)
"""Images vary far more than classes do, and text is as good as can be: what there is to do is to keep it."""


def clip_task(
    shots: int, *, val_shots: int = 0, test_size: int = 50, seed: int = 0, geometry: Geometry = BIASED
) -> tuple[ClassificationTask, LabelledImages]:
    """A few-shot task, and test images for the caller's eyes.

    A set of more shots contains that of fewer; the test images of a seed are always the same.

    Args:
        shots: Training images a class.
        val_shots: Validation images a class; 0 for none.
        test_size: Test images a class.
        seed: Draws everything.
        geometry: What the set looks like.
    """
    own = geometry
    rng = np.random.default_rng([7, seed])

    # In these axes the first two are the gaps, then come nuisances, and classes have the rest.
    axes, _ = np.linalg.qr(rng.normal(size=(own.dim, own.dim)))
    gap_image, shared, free = axes[0], axes[2 : 2 + _NUISANCES], axes[2 + _NUISANCES :]
    gap_text = _GAP_COSINE * gap_image + (1 - _GAP_COSINE**2) ** 0.5 * axes[1]

    def directions(within: np.ndarray) -> np.ndarray:
        return normalise(rng.normal(size=(own.n_classes, len(within)))) @ within

    means = own.spread * directions(free)
    error = own.text_error * directions(free) + own.text_nuisance * directions(shared)
    error = error + own.text_bias * rng.normal(size=(own.n_classes, 1)) * gap_image
    text = normalise(own.gap * gap_text + means + own.spread * error) * rng.uniform(5, 10, size=(own.n_classes, 1))
    # A projection as CLIP's: it has no inverse, and its input has directions that the joint space does not show.
    basis, _ = np.linalg.qr(rng.normal(size=(2 * own.dim, 2 * own.dim)))

    def images(stream: int, per_class: int) -> LabelledImages:
        draw = np.random.default_rng([7, seed, stream])
        labels = np.repeat(np.arange(own.n_classes), per_class)
        # One image of every class after the other, so that the first of them do not depend on how many there are.
        size = 2 * own.dim + _NUISANCES
        drawn = draw.normal(size=(per_class, own.n_classes, size)).transpose(1, 0, 2).reshape(len(labels), size)
        shown, hidden, moods = np.split(drawn, [own.dim, 2 * own.dim], axis=1)
        noise = own.noise * shown / own.dim**0.5 + own.nuisance * moods @ shared / _NUISANCES**0.5
        x = 10 * normalise(own.gap * gap_image + means[labels] + noise)
        pooled = 3 * np.hstack([x, 10 * own.noise * hidden / own.dim**0.5]) @ basis.T
        return LabelledImages(_stored(pooled, x), labels)

    names = tuple(f"class-{chr(97 + c // 26)}{chr(97 + c % 26)}" for c in range(own.n_classes))
    task = ClassificationTask(
        dataset="planted-clip", class_names=names, prompts=ClassPrompts(names, ("a photo of a {}.",)),
        train=images(1, shots), val=images(2, val_shots),
        model=ProjectedModel(names, text, basis[:, : own.dim] / 3), multi_label=False, shots=shots, seed=seed,
        device="cpu",
    )  # fmt: skip
    return task, images(3, test_size)


def _stored(pooled: np.ndarray, projected: np.ndarray) -> ImageSet:
    return feature_images(Features(np.asarray(pooled, np.float32), np.asarray(projected, np.float32)))
