"""Sentences nearest to an image."""

import numpy as np

from workbench.arrays import AnyArray, normalise
from workbench.datasets import Dataset
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
        store: Where features are kept; the image's are in it.
        row: The image.
        rows: Images whose captions compete; of very many, an evenly spaced part does.
    """
    said = [caption for own in dataset.captions(rows) for caption in own]
    sentences = list(dict.fromkeys(said)) or [dataset.prompts.templates[0].format(name) for name in dataset.class_names]
    sentences = sentences[:: -(-len(sentences) // _MOST)]
    table = store.images(encoder)
    image = normalise(table.gather(table.find(dataset.hashes(np.array([row]))), "projected"))[0]
    cosines = normalise(CachedModel(encoder, store).encode_texts(sentences)) @ image
    return [(sentences[i], float(cosines[i])) for i in np.argsort(-cosines, kind="stable")[:_SHOWN]]
