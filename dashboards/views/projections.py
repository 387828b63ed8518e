"""Features of images laid out in two dimensions, and what colours them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from workbench.arrays import AnyArray, FloatArray, normalise
from workbench.datasets import Dataset
from workbench.features import FeatureStore
from workbench.models import Encoder
from workbench.tasks import Example

METHODS = ("UMAP", "t-SNE", "PCA")
OTHERS = "others"
MOST_IMAGES = 5000
_COMPONENTS, _NEIGHBOURS, _PERPLEXITY = 50, 15, 30.0
_FEWEST = 5
"""With fewer images there are no neighbourhoods to keep; they are laid out by PCA."""


@dataclass(frozen=True)
class Gathered:
    """Stored features of some images.

    Attributes:
        rows: Rows of the dataset whose features are here, ascending.
        vectors: Unit features (n, d).
        missing: The number of images without stored features.
        left_out: The number of images that were not drawn, where there are more than `MOST_IMAGES`.
    """

    rows: AnyArray
    vectors: FloatArray
    missing: int
    left_out: int


def installed_methods() -> list[str]:
    """The methods that can be used here, the best first: UMAP is an extra."""
    return [method for method in METHODS if method != "UMAP" or find_spec("umap") is not None]


def gather(dataset: Dataset, encoder: Encoder, store: FeatureStore, rows: AnyArray) -> Gathered:
    """Pooled features that are in the store; nothing is computed. Of very many images a random part is taken.

    Args:
        dataset: The dataset.
        encoder: The features' model; its network is not loaded.
        store: The features' store.
        rows: The images.
    """
    rows = np.sort(np.asarray(rows))
    table = store.images(encoder)
    readable = table.readable(table.find(dataset.hashes(rows)))
    there = rows[readable]
    if len(there) > MOST_IMAGES:
        chosen = np.sort(np.random.default_rng(0).choice(len(there), MOST_IMAGES, replace=False))
    else:
        chosen = np.arange(len(there))
    shown = there[chosen]
    vectors = table.gather(table.find(dataset.hashes(shown)), "pooled") if len(shown) else np.empty((0, 2), np.float32)
    return Gathered(shown, normalise(vectors), len(rows) - len(there), len(there) - len(shown))


def project(vectors: FloatArray, method: str, seed: int = 0) -> FloatArray:
    """Two coordinates for each vector, the same at each call.

    Args:
        vectors: Unit vectors (n, d), at least one.
        method: `UMAP` (McInnes, Healy and Melville, 2018), `t-SNE` (van der Maaten and Hinton, 2008) on 50 principal
            components, or `PCA`.
        seed: Of the methods that draw.
    """
    if method == "PCA" or len(vectors) < _FEWEST:
        return _components(vectors, 2)
    if method == "UMAP":
        from umap import UMAP

        neighbours = min(_NEIGHBOURS, len(vectors) - 1)
        # With a seed it runs in one thread, and says so at each call unless that is asked for.
        reducer = UMAP(n_neighbors=neighbours, metric="cosine", random_state=seed, n_jobs=1)
        return np.asarray(reducer.fit_transform(vectors), np.float32)
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    reducer = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return np.asarray(reducer.fit_transform(_components(vectors, _COMPONENTS)), np.float32)


def colourings(dataset: Dataset, rows: AnyArray, examples: Sequence[Example]) -> dict[str, list[str]]:
    """What images can be coloured by, a value an image: class, split, domain, group, and a run's right and wrong ones.

    Args:
        dataset: The dataset.
        rows: The images.
        examples: Test items of a run; images that are none of them, or have several, have no such value.
    """
    ids = dataset.ids(rows)
    found = {"class": dataset.card.in_words(dataset, rows)} if dataset.class_names else {}
    split_of = {int(row): split for split in ("train", "val", "test") for row in dataset.rows(split)}
    found["split"] = [split_of.get(int(row), "none") for row in rows]
    found["domain"] = [domain or "none" for domain in dataset.domains(rows) or [None] * len(rows)]
    found["group"] = [group or "none" for group in dataset.group_names(rows)]
    counts = Counter(each.image for each in examples)
    said = {each.image: "right" if each.is_right else "wrong" for each in examples if counts[each.image] == 1}
    found["right or wrong"] = [said.get(name, "not tested") for name in ids]
    guesses = {each.image: each.parts.get("predicted class", "") for each in examples if counts[each.image] == 1}
    found["predicted class"] = [guesses.get(name) or "not tested" for name in ids]
    return {name: values for name, values in found.items() if len(set(values)) > 1}


def most_frequent(values: Sequence[str], count: int) -> list[str]:
    """The most frequent values, of equal ones the first by name."""
    return [name for name, _ in sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))[:count]]


def _components(vectors: FloatArray, count: int) -> FloatArray:
    """Coordinates along the first principal components; zeros where there are fewer."""
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    found = (left * sizes)[:, :count]
    # The sign of a component is arbitrary, and differs between processors unless it is settled.
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    found = found * np.where(signs == 0, 1, signs)
    return np.pad(found, ((0, 0), (0, max(0, 2 - found.shape[1])))).astype(np.float32)
