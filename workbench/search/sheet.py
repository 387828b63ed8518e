"""The images that a search found, as a contact sheet."""

from typing import TYPE_CHECKING

from workbench.contact_sheet import SheetEntry, as_thumbnail, contact_sheet
from workbench.datasets import Dataset
from workbench.errors import DataError

if TYPE_CHECKING:
    from workbench.search.searching import SearchResult


def search_sheet(dataset: Dataset, hits: "SearchResult", title: str, about: str = "") -> str:
    """The hits as an HTML page, see `contact_sheet`.

    Args:
        dataset: Gives the pictures, labels and captions.
        hits: In the order to be shown.
        title: The page's title and heading.
        about: A line below the heading: the model, the index.
    """
    pairs = enumerate(zip(hits.rows.tolist(), hits.scores.tolist(), strict=True), 1)
    return contact_sheet(title, about, [_entry(dataset, row, score, rank) for rank, (row, score) in pairs])


def _entry(dataset: Dataset, row: int, score: float, rank: int) -> SheetEntry:
    name = dataset.ids([row])[0]
    lines = (f"{rank}. {score:.3f}", name, *labels_of(dataset, row), *dataset.captions([row])[0][:1])
    return SheetEntry(name, lines, picture_of(dataset, row))


def labels_of(dataset: Dataset, row: int) -> list[str]:
    """Class names of an image."""
    labels = dataset.labels([row])
    chosen = labels[0].nonzero()[0].tolist() if labels.ndim == 2 else [int(labels[0])] if labels[0] >= 0 else []
    return [dataset.class_names[i] for i in chosen]


def picture_of(dataset: Dataset, row: int) -> bytes | None:
    """An image as a thumbnail; None where it cannot be read any more."""
    try:
        return as_thumbnail(dataset.decode(row))
    except DataError:
        return None
