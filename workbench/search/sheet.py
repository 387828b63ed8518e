"""A contact sheet: one HTML file with its pictures in it, which opens anywhere and asks for nothing."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.datasets import Dataset
from workbench.errors import DataError
from workbench.pages import fill

if TYPE_CHECKING:
    from workbench.search.searching import SearchResult

_SIDE = 224
_TEMPLATE = Path(__file__).with_name("sheet.html.j2")


@dataclass(frozen=True)
class _Hit:
    """A hit as it is shown; `picture` is JPEG, None where the image cannot be read any more."""

    name: str
    lines: tuple[str, ...]
    picture: bytes | None


def contact_sheet(dataset: Dataset, hits: "SearchResult", title: str, about: str = "") -> str:
    """The hits as an HTML page.

    Args:
        dataset: Gives the pictures, labels and captions.
        hits: In the order to be shown.
        title: The page's title and heading.
        about: A line below the heading: the model, the index.

    Returns:
        A whole document: style and thumbnails are inside, everything from the data is escaped, and there is no script.
    """
    pairs = enumerate(zip(hits.rows.tolist(), hits.scores.tolist(), strict=True), 1)
    return fill(
        _TEMPLATE, title=title, about=about, hits=[_hit(dataset, row, score, rank) for rank, (row, score) in pairs]
    )


def _hit(dataset: Dataset, row: int, score: float, rank: int) -> _Hit:
    name = dataset.ids([row])[0]
    lines = (f"{rank}. {score:.3f}", name, *labels_of(dataset, row), *dataset.captions([row])[0][:1])
    return _Hit(name, lines, _picture(dataset, row))


def labels_of(dataset: Dataset, row: int) -> list[str]:
    """Class names of an image."""
    labels = dataset.labels([row])
    chosen = labels[0].nonzero()[0].tolist() if labels.ndim == 2 else [int(labels[0])] if labels[0] >= 0 else []
    return [dataset.class_names[i] for i in chosen]


def _picture(dataset: Dataset, row: int) -> bytes | None:
    try:
        image = dataset.decode(row)
    except DataError:
        return None
    image.thumbnail((_SIDE * 2, _SIDE * 2))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
