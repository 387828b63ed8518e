"""Fixed inputs: classes, pairs, captions and scenes on planted features. A change here changes every golden number."""

from collections.abc import Sequence

import numpy as np

from tests.adapters.relation_head.conftest import BagOfWords, matching_data
from workbench.plugin import (
    AnyArray,
    CaptionedImages,
    CaptioningTask,
    ClassificationTask,
    ClassPrompts,
    Features,
    FloatArray,
    LabelledImages,
    MatchingTask,
    RetrievalTask,
    normalise,
)
from workbench.testing import PlantedModel, feature_images

D, CLASSES, SHOTS, TEST = 24, 6, 4, 12
NAMES = tuple(f"class-{chr(97 + c)}" for c in range(CLASSES))
TEMPLATES = ("a photo of a {}.", "a rather long picture of a {}, seen from above.")


class WordyModel(PlantedModel):
    """A text's feature is its class's prototype, moved by how long the text is."""

    logit_scale = 30.0

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `TaskModel.encode_texts`."""
        lengths = np.array([len(text) for text in texts], dtype=np.float32)[:, None]
        moved = super().encode_texts(texts) + 0.1 * np.cos(lengths * np.arange(D, dtype=np.float32))
        return np.asarray(moved, dtype=np.float32)


def classification(*, validation: bool) -> tuple[ClassificationTask, LabelledImages]:
    """Six overlapping classes at four shots, text prototypes at some distance; and twelve test images a class."""
    rng = np.random.default_rng(0)
    prototypes = rng.normal(size=(CLASSES, D))
    text = 6 * normalise((prototypes + 1.2 * rng.normal(size=prototypes.shape)).astype(np.float32))

    def images(per_class: int) -> LabelledImages:
        labels = np.repeat(np.arange(CLASSES), per_class)
        pooled = prototypes[labels] + 1.8 * rng.normal(size=(len(labels), D))
        projected = 0.5 * pooled + 0.6 * rng.normal(size=pooled.shape) + 0.4
        return LabelledImages(feature_images(Features(pooled.astype(np.float32), projected.astype(np.float32))), labels)

    train, val, test = images(SHOTS), images(SHOTS), images(TEST)
    task = ClassificationTask(
        dataset="golden", class_names=NAMES, prompts=ClassPrompts(NAMES, TEMPLATES), train=train,
        val=val if validation else val.subset(np.arange(0)), model=WordyModel(NAMES, text), multi_label=False,
        shots=SHOTS, seed=0, device="cpu",
    )  # fmt: skip
    return task, test


def _captioned(per_class: int, seed: int, prototypes: FloatArray) -> CaptionedImages:
    """Each image with its class's text and one of its own."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(CLASSES), per_class)
    x = (prototypes[of] + 1.0 * rng.normal(size=(len(of), D))).astype(np.float32)
    texts = (*NAMES, *(f"{NAMES[c]} number {seed}{i}" for i, c in enumerate(of)))
    pairs = np.array([(i, t) for i, c in enumerate(of) for t in (int(c), CLASSES + i)])
    return CaptionedImages(feature_images(Features(x, x.copy())), texts, pairs)


def _pair_model() -> tuple[WordyModel, FloatArray]:
    rng = np.random.default_rng(1)
    prototypes = rng.normal(size=(CLASSES, D)).astype(np.float32)
    return WordyModel(NAMES, (prototypes + rng.normal(size=prototypes.shape)).astype(np.float32)), prototypes


def retrieval() -> tuple[RetrievalTask, CaptionedImages]:
    """Images with two texts each; and test ones."""
    model, prototypes = _pair_model()
    parts = {"train": _captioned(8, 1, prototypes), "val": _captioned(3, 2, prototypes)}
    task = RetrievalTask(dataset="golden", model=model, shots=None, seed=0, device="cpu", **parts)
    return task, _captioned(4, 3, prototypes)


def captioning() -> tuple[CaptioningTask, CaptionedImages]:
    """The same with texts to be written."""
    model, prototypes = _pair_model()
    parts = {"train": _captioned(8, 1, prototypes), "val": _captioned(3, 2, prototypes)}
    task = CaptioningTask(dataset="golden", model=model, shots=None, seed=0, device="cpu", **parts)
    return task, _captioned(4, 3, prototypes)


def matching() -> MatchingTask:
    """`A left of B` against `B left of A`."""
    return MatchingTask(
        dataset="golden", model=BagOfWords(), shots=None, seed=0, device="cpu", form="choice",
        train=matching_data(60, 0), val=matching_data(20, 1),
    )  # fmt: skip


def scored(*, seeds: int = 2, n: int = 120) -> tuple[FloatArray, FloatArray, AnyArray, AnyArray]:
    """Logits (s, n, c) of two contestants, labels (n,) of a long tail, and groups (n,) of unequal sizes."""
    rng = np.random.default_rng(2)
    labels = np.minimum(rng.geometric(0.45, size=n) - 1, CLASSES - 1)
    groups = np.minimum(rng.geometric(0.05, size=n), 30)
    truth = 2.0 * np.eye(CLASSES)[labels]
    level = rng.normal(size=(n, 1))  # A constant added to an image's logits; it must change nothing.
    first, other = (truth * strength + level + rng.normal(size=(seeds, n, CLASSES)) for strength in (0.9, 0.7))
    return first.astype(np.float32), other.astype(np.float32), labels, groups
