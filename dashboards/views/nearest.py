"""Sentences and training images nearest to an image, from stored features."""

import numpy as np

from workbench.arrays import AnyArray, normalise
from workbench.datasets import Dataset
from workbench.errors import DataError
from workbench.features import CachedModel, FeatureStore
from workbench.models import Encoder

_MOST = 2000
_SHOWN = 5


def nearest_sentences(
    dataset: Dataset, encoder: Encoder, store: FeatureStore, row: int, rows: AnyArray
) -> list[tuple[str, float]]:
    """Captions of the images in `rows`, or the class names where there are no captions, by cosine with an image.

    Args:
        dataset: The dataset.
        encoder: The model; its text tower is loaded for sentences that it has not embedded before.
        store: The features' store, which has the image's.
        row: The image.
        rows: Images whose captions compete; of very many, an evenly spaced part does.
    """
    captions = [caption for image_captions in dataset.captions(rows) for caption in image_captions]
    named = (sentence for sentences in dataset.prompts.sentences("single") for sentence in sentences)
    sentences = list(dict.fromkeys(captions)) or list(dict.fromkeys(named))
    sentences = sentences[:: -(-len(sentences) // _MOST)]
    table = store.images(encoder)
    image = normalise(table.gather(table.find(dataset.hashes(np.array([row]))), "projected"))[0]
    cosines = normalise(CachedModel(encoder, store).encode_texts(sentences)) @ image
    return [(sentences[i], float(cosines[i])) for i in np.argsort(-cosines, kind="stable")[:_SHOWN]]


def nearest_training_images(
    dataset: Dataset, encoder: Encoder, store: FeatureStore, row: int, count: int = 5
) -> list[tuple[int, float]]:
    """The nearest training images, as rows, by cosine of pooled features, with the cosine.

    Args:
        dataset: The dataset.
        encoder: The features' model; its network is not loaded.
        store: The features' store; nothing is computed.
        row: The image.
        count: At most as many.

    Raises:
        DataError: Features are not in the store.
    """
    train = dataset.rows("train")
    table = store.images(encoder)
    located = table.find(dataset.hashes(np.concatenate([[row], train])))
    readable = table.readable(located)
    if not readable[0] or not readable[1:].any():
        raise DataError(
            f"features of {dataset.name!r} by {encoder.name} are not in the cache; "
            f"`workbench embed {dataset.name} --model {encoder.name} --to FILE` computes them."
        )
    vectors = normalise(table.gather(located, "pooled"))
    likeness = np.where(readable[1:], vectors[1:] @ vectors[0], -np.inf)
    best = np.argsort(-likeness, kind="stable")[: min(count, int(readable[1:].sum()))]
    return [(int(train[i]), float(likeness[i])) for i in best]
