"""Notes on how files become pixels, for readers of results."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.datasets.formats import Header

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset


def pixel_notes(dataset: "Dataset") -> list[str]:
    """Sentences about the range of more than 8 bits, mixed depths, and files of several pages."""
    headers = dataset.depths.headers
    if not headers:
        return []
    found = [
        (row, own) for row, content in enumerate(dataset.manifest.hashes) if (own := headers.get(content.tobytes()))
    ]
    return [
        *_range_notes(dataset, [own for _, own in found if own.mapped and not own.windowed]),
        *_window_notes(dataset, [own for _, own in found if own.windowed]),
        *_page_notes(dataset, [(row, own) for row, own in found if own.pages > 1]),
    ]


def _range_notes(dataset: "Dataset", mapped: Sequence[Header]) -> list[str]:
    if not mapped:
        return []
    pixels, computed = dataset.card.pixels, dataset.depths.range
    of_all = "All images have" if len(mapped) == len(dataset) else f"{len(mapped)} of {len(dataset)} images have"
    depths = _depths(mapped)
    if pixels.limits is not None:
        name = f" ({pixels.window!r})" if isinstance(pixels.window, str) else ""
        how = f"the window {in_words(pixels.limits)}{name} of the card becomes black to white"
    elif computed is not None:
        how = f"their joint range {in_words(computed)} becomes black to white ([pixels] window sets another)"
    elif isinstance(pixels.range, tuple):
        how = f"the range {in_words(pixels.range)} of the card becomes black to white"
    elif pixels.range == "dtype":
        how = "what their type can hold becomes black to white"
    else:
        how = "none of them can be decoded"
    mixed = " Their depths differ: one range may not fit them all." if len({own.depth for own in mapped}) > 1 else ""
    return [f"{of_all} more than 8 bits ({depths}): {how}.{mixed}"]


def _window_notes(dataset: "Dataset", windowed: Sequence[Header]) -> list[str]:
    if not windowed:
        return []
    limits, of_all = dataset.card.pixels.limits, f"{len(windowed)} of {len(dataset)} images"
    if limits is not None:
        return [f"{of_all} name a window of their own; the card's, {in_words(limits)}, is used."]
    return [
        f"{of_all} are shown as their files say what is black and white, which may differ from file to file; "
        "[pixels] window gives one for all."
    ]


def _page_notes(dataset: "Dataset", several: Sequence[tuple[int, Header]]) -> list[str]:
    if not several:
        return []
    page = dataset.card.pixels.page
    names = dataset.ids([row for row, _ in several])
    most = max(own.pages for _, own in several)
    usual = " or ".join(f"the {own}" for own in sorted({own.usual_page for _, own in several}))
    which = usual if page is None else f"page {page}"
    return [
        f"{len(several)} of {len(dataset)} files hold several pages or frames (up to {most}; {names[0]} is one): "
        f"of each {which} is read ([pixels] page)."
    ]


def in_words(limits: tuple[float, float]) -> str:
    """A range as text: `0 to 4095`."""
    return " to ".join(f"{value:.10g}" for value in limits)


def _depths(headers: Sequence[Header]) -> str:
    counts = Counter(own.depth for own in headers).most_common()
    return counts[0][0] if len(counts) == 1 else ", ".join(f"{n} of {depth}" for depth, n in counts)
