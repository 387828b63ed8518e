"""A contact sheet: one HTML file with its pictures in it, which opens anywhere and asks for nothing."""

from base64 import b64encode
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from workbench.datasets import Dataset
from workbench.errors import DataError

if TYPE_CHECKING:
    from workbench.search.searching import Hits

_SIDE = 224
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.2rem; } p { color: #555; }
ol { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }
ol { padding: 0; list-style: none; }
img { width: 100%; height: 12rem; object-fit: contain; display: block; background: #f3f3f3; }
figure { margin: 0; } figcaption { overflow-wrap: anywhere; font-size: .85rem; }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #16181c; } p { color: #aaa; } img { background: #222; }
}
"""


def contact_sheet(dataset: Dataset, hits: "Hits", title: str, about: str = "") -> str:
    """The hits as an HTML page.

    Args:
        dataset: Gives the pictures, labels and captions.
        hits: In the order to be shown.
        title: The page's title and heading.
        about: A line below the heading: the model, the index.

    Returns:
        A whole document: style and thumbnails are inside, everything from the data is escaped, and there is no script.
    """
    items = "\n".join(_item(dataset, int(row), float(score), i) for i, (row, score) in enumerate(_pairs(hits), 1))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1><p>{escape(about)}</p>\n<ol>\n{items}\n</ol></body></html>\n"
    )


def _pairs(hits: "Hits") -> "zip[tuple[int, float]]":
    return zip(hits.rows.tolist(), hits.scores.tolist(), strict=True)


def _item(dataset: Dataset, row: int, score: float, rank: int) -> str:
    name = dataset.ids([row])[0]
    said = [f"{rank}. {score:.3f}", name, *labels_of(dataset, row), *dataset.captions([row])[0][:1]]
    lines = "<br>".join(escape(line) for line in said)
    return f"<li><figure>{_picture(dataset, row, name)}<figcaption>{lines}</figcaption></figure></li>"


def labels_of(dataset: Dataset, row: int) -> list[str]:
    """Class names of an image."""
    labels = dataset.labels([row])
    chosen = labels[0].nonzero()[0].tolist() if labels.ndim == 2 else [int(labels[0])] if labels[0] >= 0 else []
    return [dataset.class_names[i] for i in chosen]


def _picture(dataset: Dataset, row: int, name: str) -> str:
    try:
        image = dataset.decode(row)
    except DataError:
        return "<p>the image cannot be read any more</p>"
    image.thumbnail((_SIDE * 2, _SIDE * 2))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=85)
    data = b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escape(name)}" loading="lazy" src="data:image/jpeg;base64,{data}">'
