"""From a dataset's and a model's name to the images found, for the command line and `workbench.search_images`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.datasets import open_pictures
from workbench.datasets.roles import SplitChoice
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.formatting import format_share
from workbench.models import open_model
from workbench.models.languages import check_language
from workbench.search.approximate import PAYS_FROM, Approximate, approximate_index, is_available
from workbench.search.gallery import Gallery, open_gallery
from workbench.search.query import ImageTerm, Term, TextTerm
from workbench.search.searching import SearchResult, embed_image, search_images
from workbench.search.sheet import labels_of, search_sheet
from workbench.settings import Settings


@dataclass(frozen=True)
class SearchAnswer:
    """What a search found, and how.

    Attributes:
        gallery: What was searched.
        terms: What was searched for.
        language: Language of the sentences.
        hits: The images, best first.
        index: The index that was used; None for exact search.
        doubt: Why the model may not understand the language, or None.
    """

    gallery: Gallery
    terms: tuple[Term, ...]
    language: str
    hits: SearchResult
    index: Approximate | None
    doubt: str | None

    @property
    def title(self) -> str:
        """The query in a line."""
        return " ".join(str(term) for term in self.terms).removeprefix("+ ")

    @property
    def about(self) -> str:
        """What was searched, and how, in a line."""
        gallery = self.gallery
        return f"{gallery.dataset.name}, {len(gallery)} images, {gallery.encoder.name}; {_how(self.index)}"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """`id`, `score`, `labels` and `captions` of each image."""
        dataset = self.gallery.dataset
        hits = zip(self.hits.rows.tolist(), self.hits.scores.tolist(), self.hits.ids, strict=True)
        return [
            {
                "id": name,
                "score": round(score, 6),
                "labels": labels_of(dataset, row),
                "captions": list(dataset.captions([row])[0]),
            }
            for row, score, name in hits
        ]

    def sheet(self) -> str:
        """A contact sheet, see `search_sheet`."""
        return search_sheet(self.gallery.dataset, self.hits, self.title, self.about)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dataset": self.gallery.dataset.name,
            "model": self.gallery.encoder.name,
            "precision": self.gallery.encoder.precision,
            "split": self.gallery.split,
            "query": [
                {"text": term.text, "weight": term.weight}
                if isinstance(term, TextTerm)
                else {"image": term.name, "weight": term.weight}
                for term in self.terms
            ],
            "language": self.language,
            "searched": len(self.gallery),
            "unreadable": len(self.gallery.unreadable),
            "index": "exact" if self.index is None else "approximate",
            "recall": None if self.index is None else asdict(self.index.recall),
            "results": self.rows,
        }


def search_dataset(
    dataset: str,
    sentences: Sequence[Term],
    images: Sequence[Path],
    model: str,
    settings: Settings,
    *,
    split: SplitChoice = "all",
    top: int = 20,
    language: str = "en",
    index: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> SearchAnswer:
    """Search a dataset.

    Args:
        dataset: A registered name, a card file, or a folder.
        sentences: Weighted sentences.
        images: Files of images that count as sentences do.
        model: Model argument.
        settings: Give cache, data folder, device.
        split: Which part of the dataset.
        top: At most so many images.
        language: Of the sentences; labels and captions are in it where the card has them.
        index: `auto`, `exact` or `approximate`.
        progress: Called with (done, total) while features are computed.

    Raises:
        WorkbenchError: There is no such dataset or model, or the query is empty.
    """
    if not sentences and not images:
        raise WorkbenchError("search: give at least one sentence or image.")
    opened = open_pictures(dataset, settings, language=language)
    encoder, store = open_model(model, settings), FeatureStore.of(settings)
    doubt = check_language(encoder, language) if sentences else None
    pixels = opened.card.pixels
    terms = (*sentences, *(ImageTerm(str(path), embed_image(path, encoder, store, pixels)) for path in images))
    gallery = open_gallery(opened, encoder, store, split, workers=settings.workers, progress=progress)
    chosen = _index(index, gallery, settings)
    return SearchAnswer(gallery, terms, language, search_images(gallery, terms, top, index=chosen), chosen, doubt)


def _index(choice: str, gallery: Gallery, settings: Settings) -> Approximate | None:
    if choice == "exact" or (choice == "auto" and (len(gallery) < PAYS_FROM or not is_available())):
        return None
    return approximate_index(gallery, settings.cache)


def _how(index: Approximate | None) -> str:
    if index is None:
        return "exact search"
    recall = index.recall
    return (
        f"approximate search, recall at {recall.at} against exact {format_share(recall.value)} "
        f"over {recall.queries} images ({recall.probes} of {recall.lists} lists)"
    )
