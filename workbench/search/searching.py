"""Search a gallery: the images that fit a query best, or that are nearest to one of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.arrays import FloatArray, IntArray
from workbench.datasets.card_pixels import Pixels
from workbench.errors import DataError, WorkbenchError
from workbench.features import CachedModel, FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.models import Encoder
from workbench.search.approximate import Approximate
from workbench.search.gallery import Gallery
from workbench.search.query import Term, TextTerm, query_vector
from workbench.search.ranking import top_rows


@dataclass(frozen=True)
class SearchResult:
    """The images of a search, best first.

    Attributes:
        rows: int64 (k,) rows of the dataset.
        scores: float32 (k,) cosines with the query, -1..1.
        ids: The images' names for users.
    """

    rows: IntArray
    scores: FloatArray
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


def search_images(
    gallery: Gallery, query: str | Sequence[Term], top: int = 20, *, index: Approximate | None = None
) -> SearchResult:
    """The images whose features have the largest cosine with a query.

    A model is loaded only for texts that it has not embedded before.

    Args:
        gallery: From `open_gallery`.
        query: A sentence, or weighted sentences and images.
        top: At most so many images.
        index: From `approximate_index`; None searches exactly.

    Raises:
        WorkbenchError: The query is empty or cancels itself out, or `top` is below 1.
    """
    if top < 1:
        raise WorkbenchError(f"search: top must be at least 1, got {top}.")
    terms = (TextTerm(query),) if isinstance(query, str) else tuple(query)
    empty = next((term for term in terms if isinstance(term, TextTerm) and not term.text.strip()), None)
    if empty is not None:
        raise WorkbenchError("search: a sentence is empty.")
    vector = query_vector(terms, CachedModel(gallery.encoder, gallery.store).encode_texts)
    return _hits(gallery, vector, top, index)


def nearest_images(gallery: Gallery, row: int, top: int = 20) -> SearchResult:
    """The images nearest to one of the gallery, itself left out.

    Args:
        gallery: From `open_gallery`.
        row: Row of the dataset.
        top: At most so many images.

    Raises:
        DataError: The gallery does not hold that row.
    """
    digest = gallery.dataset.hashes([row])[0]
    # A copy with equal bytes may stand for the row.
    places = np.flatnonzero((gallery.dataset.hashes(gallery.rows) == digest).all(axis=1))
    if not len(places):
        raise DataError(f"search: row {row} is not among the {len(gallery)} readable images that are searched.")
    place = int(places[0])
    hits = _hits(gallery, gallery.features(place, place + 1)[0], top + 1, None)
    others = np.flatnonzero(hits.rows != gallery.rows[place])[:top]
    return SearchResult(hits.rows[others], hits.scores[others], tuple(hits.ids[i] for i in others))


def embed_image(path: Path, encoder: Encoder, store: FeatureStore, pixels: Pixels | None = None) -> FloatArray:
    """The projected feature of an image file, float32 (d,), from the store where it has been seen before.

    Args:
        path: The file.
        encoder: The model.
        store: The feature store.
        pixels: The settings of the dataset that is searched, as which the file is seen.

    Raises:
        DataError: The file cannot be read as an image.
    """
    extraction = extract(ImageFiles(path.parent, [path.name], pixels), np.arange(1), encoder, store)
    if extraction.unreadable:
        raise DataError(f"{path}: {extraction.unreadable[0][1]}.")
    feature: FloatArray = extraction.features.projected[0]
    return feature


def _hits(gallery: Gallery, vector: FloatArray, top: int, index: Approximate | None) -> SearchResult:
    if index is None:
        positions, scores = top_rows(vector[None], gallery.blocks(), top)
        places, cosines = positions[0], scores[0]
    else:
        places, cosines = index.search(vector, top)
    rows = gallery.rows[places]
    return SearchResult(rows, cosines, tuple(gallery.dataset.ids(rows)))
