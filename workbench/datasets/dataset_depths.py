"""What decides the pixels of a dataset that is being opened: its depths, and its card with the range in numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.decoding import decodes_itself
from workbench.datasets.depths import Depths, depths_of
from workbench.datasets.depths_file import SUFFIX
from workbench.datasets.manifest import Manifest, Progress
from workbench.datasets.seen_headers import SeenHeaders
from workbench.datasets.sources import Source, read_from
from workbench.datasets.unreadable import MissingExtraError
from workbench.errors import CardError, DataError


def with_depths(
    card: DatasetCard,
    source: Source,
    manifest: Manifest,
    seen: SeenHeaders,
    manifest_path: Path,
    progress: Progress | None = None,
) -> tuple[DatasetCard, Depths]:
    """A card whose `pixels.range` is in numbers where the dataset needs one, and the depths of its images.

    Args:
        card: The card.
        source: Its source.
        manifest: Its manifest.
        seen: Headers of contents that were just read.
        manifest_path: Beside it, what is found is kept.
        progress: Called with (done, total) while contents are read.

    Raises:
        CardError: The card says how pixels are made, and its kind of source decodes images itself.
        DataError: The cache cannot be written.
    """
    if decodes_itself(source):
        if card.pixels != Pixels():
            raise CardError(
                f"card {card.name!r}: a source of type {card.source.type!r} decodes images itself, so that [pixels] "
                "would change nothing. Take it out; what [source] may say is in the documentation of that source."
            )
        return card, Depths()

    @cache
    def rows() -> dict[bytes, int]:  # Where nothing has to be read, it would be large for nothing.
        return {content.tobytes(): row for row, content in enumerate(manifest.hashes)}

    def read(content: bytes) -> bytes:
        data = read_from(source, manifest.records[rows()[content]].location)
        if blake2b(data, digest_size=len(content)).digest() != content:
            raise DataError("its contents changed after the dataset was listed; run again")
        return data

    with cache_written(manifest_path), _named(card):
        depths = depths_of(manifest.hashes, seen, card.pixels, read, manifest_path.with_suffix(SUFFIX), progress)
    if depths.range is None:
        return card, depths
    # Recorded with a run, it gives the same pixels to whatever the run is applied to.
    pixels = card.pixels.model_copy(update={"range": depths.range})
    return card.model_copy(update={"pixels": pixels}), depths


@contextmanager
def _named(card: DatasetCard) -> Iterator[None]:
    try:
        yield
    except MissingExtraError as error:
        raise DataError(f"dataset {card.name!r}: an image of it {error}.") from error


@contextmanager
def cache_written(path: Path) -> Iterator[None]:
    """Say in one sentence that a file of the cache cannot be written."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the cache cannot be written: {error.filename or path}: {error.strerror or error}. "
            "WORKBENCH_CACHE names a folder for it that has space and may be written."
        ) from error
