"""Planted features with CLIP's geometry: a modality gap, long text vectors, and text that is right most of the time.

Images of a class scatter around its mean, and all images share a direction that no text has (Liang et al., "Mind the
Gap", NeurIPS 2022). A class's text points to its mean with an error of its own. Text vectors have norms of 5 to 10
before normalisation, as CLIP's have, and the projection into the joint space is a matrix on wider features.
"""

from dataclasses import dataclass

import numpy as np

from workbench import ClassificationTask, ClassPrompts, Features, ImageSet, LabelledImages, normalise
from workbench.testing import PlantedModel, feature_images


class ProjectedModel(PlantedModel):
    """A planted model whose pooled features are twice as wide as its joint space."""

    pooled_dim: int

    def __init__(self, class_names: tuple[str, ...], prototypes: np.ndarray, pooled_dim: int) -> None:
        super().__init__(class_names, prototypes)
        self.pooled_dim = pooled_dim


@dataclass(frozen=True)
class Geometry:
    """What a set is drawn with.

    Attributes:
        n_classes: Number of classes.
        dim: Width of the joint space; pooled features are twice as wide.
        gap: Length of the direction that all images share, and of the one that all texts share.
        spread: Length of a class mean beside it.
        noise: Length of an image's own part.
        text_error: Length of a text's own part, relative to its class mean.
    """

    n_classes: int = 20
    dim: int = 128
    gap: float = 0.75
    spread: float = 0.4
    noise: float = 0.7
    text_error: float = 1.25


SEPARABLE = Geometry()
"""Images of a class are alike: zero-shot is right on 3 of 4, and images soon know more."""

NOISY = Geometry(noise=1.1, text_error=0.7)
"""Images vary more than classes do, and text is good: with few images it is the text that must be kept."""


def clip_task(
    shots: int, *, val_shots: int = 0, test_size: int = 50, seed: int = 0, geometry: Geometry = SEPARABLE
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

    def directions(n: int) -> np.ndarray:
        return normalise(rng.normal(size=(n, own.dim)))

    gap_image, gap_text = directions(2)
    means = own.spread * directions(own.n_classes)
    text = own.gap * gap_text + means + own.spread * own.text_error * directions(own.n_classes)
    text = normalise(text) * rng.uniform(5, 10, size=(own.n_classes, 1))
    # A projection as CLIP's: it has no inverse, and its input has directions that the joint space does not show.
    basis, _ = np.linalg.qr(rng.normal(size=(2 * own.dim, 2 * own.dim)))

    def images(stream: int, per_class: int) -> LabelledImages:
        draw = np.random.default_rng([7, seed, stream])
        labels = np.repeat(np.arange(own.n_classes), per_class)
        # One image of every class after the other, so that the first of them do not depend on how many there are.
        noise = draw.normal(size=(per_class, own.n_classes, 2 * own.dim)).transpose(1, 0, 2).reshape(len(labels), 2 * own.dim)
        x = own.gap * gap_image + means[labels] + own.noise * noise[:, : own.dim] / own.dim**0.5
        x = 10 * normalise(x)
        pooled = 3 * np.hstack([x, 10 * own.noise * noise[:, own.dim :] / own.dim**0.5]) @ basis.T
        return LabelledImages(_stored(pooled, x), labels)

    names = tuple(f"class-{chr(97 + c // 26)}{chr(97 + c % 26)}" for c in range(own.n_classes))
    task = ClassificationTask(
        dataset="planted-clip", class_names=names, prompts=ClassPrompts(names, ("a photo of a {}.",)),
        train=images(1, shots), val=images(2, val_shots),
        model=ProjectedModel(names, np.asarray(text, np.float32), 2 * own.dim), multi_label=False, shots=shots, seed=seed, device="cpu",
    )  # fmt: skip
    return task, images(3, test_size)


def _stored(pooled: np.ndarray, projected: np.ndarray) -> ImageSet:
    return feature_images(Features(np.asarray(pooled, np.float32), np.asarray(projected, np.float32)))
