"""Images in a folder, without a dataset around them."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from workbench.arrays import AnyArray
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.decoding import Decoder, PixelDecoder
from workbench.datasets.depths import joint_range_of
from workbench.datasets.formats.nifti import is_nifti_name, slice_bytes
from workbench.datasets.headers import read_extrema, read_header
from workbench.datasets.images import IMAGE_SUFFIXES
from workbench.datasets.pictures import Pictures
from workbench.datasets.unreadable import MissingExtraError
from workbench.datasets.volumes import slice_name, slices_note, slices_of
from workbench.datasets.walking import list_folder, unread_types
from workbench.errors import DataError
from workbench.features._protocols import ImageEncoder
from workbench.features.extraction import Extraction, extract
from workbench.features.store import FeatureStore
from workbench.features.tiles import Tiler
from workbench.images import ImageSet
from workbench.inputs import is_folder, read_bytes
from workbench.texts import shown


class ImageFiles(Pictures):
    """Files below a root as `extract` wants them; of a volume each slice that the settings ask for.

    Args:
        root: The folder.
        files: Relative paths.
        pixels: The settings of the dataset that the files are to be seen as; where those leave the range open, it is
            that of the files.

    Attributes:
        names: Names of the images: relative paths, of slices with the slice behind them. Rows are positions in it.
        notes: Sentences about slices.

    Raises:
        DataError: The packages that read volumes are not installed.
    """

    def __init__(self, root: Path, files: Sequence[str], pixels: Pixels | None = None) -> None:
        self._root = root
        self._pixels = pixels or Pixels()
        self._slices: dict[str, tuple[str, int, int]] = {}
        names: list[str] = []
        for file in files:
            slices = self._slices_of(file) if is_nifti_name(file) else {}
            self._slices |= slices
            names += slices or [file]
        self.names: tuple[str, ...] = tuple(names)
        volumes = len({file for file, _, _ in self._slices.values()})
        self.notes: tuple[str, ...] = ()
        if volumes:
            self.notes = (slices_note(len(self._slices), volumes, self._pixels),)

    def _slices_of(self, file: str) -> dict[str, tuple[str, int, int]]:
        try:
            found = slices_of(read_bytes(self._root / file), self._pixels)
        except MissingExtraError as error:
            raise DataError(f"{file} {error}.") from error
        except (OSError, DataError):
            return {}  # Decoding says why it cannot be read.
        return {slice_name(file, axis, index): (file, axis, index) for axis, index in found}

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32); zeros where a file cannot be read."""
        keys, _ = self._listed
        return keys[np.asarray(rows, dtype=np.int64)]

    def ids(self, rows: AnyArray) -> list[str]:
        """Names of the images."""
        return [self.names[int(row)] for row in rows]

    def read(self, row: int) -> bytes:
        """Encoded bytes; raises `DataError` with the reason alone, as decoding does, since callers name the file."""
        file, *which = self._slices.get(self.names[row], (self.names[row],))
        try:
            data = read_bytes(self._root / file)
        except OSError as error:
            raise DataError(f"cannot be read ({error.strerror})") from error
        return slice_bytes(data, *which) if which else data

    @property
    def _decoder(self) -> Decoder:  # type: ignore[override]
        _, decoder = self._listed
        return decoder

    @cached_property
    def _listed(self) -> tuple[AnyArray, Decoder]:
        """Keys of all files, uint8 (n, 32), and what decodes them; each file is read for it once."""
        contents, headers, extrema = np.zeros((len(self.names), 32), dtype=np.uint8), {}, []
        ranged = self._pixels.limits is None and self._pixels.range == "dataset"
        for row in range(len(self.names)):
            try:
                data = self.read(row)
            except DataError:
                continue
            content = hashlib.blake2b(data, digest_size=32).digest()
            contents[row] = np.frombuffer(content, dtype=np.uint8)
            try:
                header = read_header(data)
            except MissingExtraError as error:
                raise DataError(f"{self.names[row]} {error}.") from error
            if not header.is_plain:
                headers[content] = header
            if ranged and header.mapped and not header.windowed:
                extrema.append((header, read_extrema(data)))
        limits = joint_range_of(extrema)
        pixels = self._pixels if limits is None else self._pixels.model_copy(update={"range": limits})
        decoder = PixelDecoder(pixels, headers)
        return decoder.keys(contents), decoder


def list_images(folder: Path, pixels: Pixels | None = None, only: Collection[str] | None = None) -> ImageFiles:
    """Every image below a folder; notes are about other files of it, too.

    Args:
        folder: Searched recursively.
        pixels: As for `ImageFiles`.
        only: Relative paths of the files to take; None takes all.

    Raises:
        DataError: It is no folder, or holds no image, or none of `only`.
    """
    if not is_folder(folder):
        raise DataError(f"{shown(str(folder), 200)}: is not a folder.")
    listing = list_folder(folder)
    notes = unread_types(listing.others)
    if not listing.images:
        suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
        raise DataError(
            f"{folder}: no image files found (their names end in {suffixes}).{''.join(f' {note}' for note in notes)}"
        )
    files = listing.images if only is None else tuple(file for file in listing.images if file in only)
    if not files:
        raise DataError(f"{folder}: none of its {len(listing.images)} images is in the list of files.")
    images = ImageFiles(folder, files, pixels)
    images.notes = (*notes, *images.notes)
    return images


@dataclass(frozen=True)
class FolderFeatures:
    """The images of a folder with their features.

    Attributes:
        files: Their paths relative to the folder, sorted; of slices with the slice behind them.
        images: Reads and decodes them; rows are positions in `files`.
        extraction: Their features.
        notes: Sentences about other files of the folder.
        tiler: Cuts them.
    """

    files: tuple[str, ...]
    images: ImageFiles
    extraction: Extraction
    notes: tuple[str, ...]
    tiler: Tiler

    @property
    def readable(self) -> ImageSet:
        """The images that could be read, in their order."""
        rows = np.flatnonzero(self.extraction.readable)
        return ImageSet(
            len(rows),
            lambda: self.extraction.features.take(rows),
            lambda i: self.images.decode(int(rows[i])),
            cut=lambda part, n: self.tiler(rows[part], n),
        )

    @property
    def readable_files(self) -> list[str]:
        """Their paths."""
        return [self.files[i] for i in np.flatnonzero(self.extraction.readable)]


def extract_folder(
    folder: Path,
    encoder: ImageEncoder,
    store: FeatureStore,
    pixels: Pixels | None = None,
    *,
    workers: int = 0,
    only: Collection[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FolderFeatures:
    """Features of every image below a folder.

    Args:
        folder: Searched recursively.
        encoder: The model.
        store: Where features are kept.
        pixels: As for `ImageFiles`.
        workers: Decoding threads; 0 means one per core.
        only: As for `list_images`.
        progress: Called with (done, total) while features are computed.

    Raises:
        DataError: It is no folder, or holds no image, or none of `only`.
    """
    images = list_images(folder, pixels, only)
    extraction = extract(images, np.arange(len(images.names)), encoder, store, workers=workers, progress=progress)
    return FolderFeatures(images.names, images, extraction, images.notes, Tiler(images, encoder, store, workers))
