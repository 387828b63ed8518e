"""Which images of a dataset have more than 8 bits, and the one range in which their values lie; kept in the cache."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from workbench.arrays import AnyArray
from workbench.cores import usable_cores
from workbench.datasets.card_pixels import Limits, Pixels
from workbench.datasets.depths_file import (
    read_headers,
    read_known_headers,
    read_limits,
    write_headers,
    write_limits,
)
from workbench.datasets.formats import Header
from workbench.datasets.grey import joint_range
from workbench.datasets.headers import read_extrema, read_header
from workbench.datasets.seen_headers import SeenHeaders
from workbench.errors import DataError
from workbench.files import checksum

T = TypeVar("T")

_CHUNK = 256

Read = Callable[[bytes], bytes]
"""The bytes of an image by their hash; raises `DataError`."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Depths:
    """What the headers of a dataset's images say.

    Attributes:
        headers: Header by content hash of each image whose header is not plain.
        range: Lowest and highest value of the images that have no window; None where there are none, or where the card
            says the window or range.
    """

    headers: Mapping[bytes, Header] = field(default_factory=dict)
    range: Limits | None = None


def depths_of(
    hashes: AnyArray,
    seen: SeenHeaders,
    pixels: Pixels,
    read: Read,
    path: Path,
    progress: Progress | None = None,
) -> Depths:
    """The depths of a dataset, from the cache as far as its contents are known there.

    Args:
        hashes: uint8 (n, 32), content hashes; zeros are left out.
        seen: Headers of contents that were just read.
        pixels: The card's settings: extrema are only computed where its range is asked for.
        read: Reads other contents.
        path: The file in the cache; other files in its folder that end so are of the same images.
        progress: Called with (done, total) while contents are read.

    Raises:
        OSError: The cache cannot be written.
    """
    headers = _headers(hashes, seen, read, path, progress)
    without = {key: own for key, own in headers.items() if own.mapped and not own.windowed}
    if not without or pixels.limits is not None or pixels.range != "dataset":
        return Depths(headers)
    extrema = _extrema(sorted(without), read, path.with_suffix(".extrema"), progress)
    return Depths(headers, joint_range_of([(own, extrema.get(key)) for key, own in without.items()]))


def joint_range_of(images: Sequence[tuple[Header, Limits | None]]) -> Limits | None:
    """The range that images share, from the header and the extrema of each; None where none can be decoded."""
    extrema = [own for _, own in images if own is not None]
    return joint_range(extrema, whole=all(header.whole for header, _ in images)) if extrema else None


def _headers(
    hashes: AnyArray, seen: SeenHeaders, read: Read, path: Path, progress: Progress | None
) -> dict[bytes, Header]:
    """Headers that are not plain."""
    listed = np.ascontiguousarray(hashes[hashes.any(axis=1)])
    digest = checksum(listed.tobytes())
    kept = read_headers(path, digest)
    if kept is not None:
        return kept
    contents = np.unique(listed, axis=0)
    codes, values = seen.find(contents), list(seen.values)

    def take(more: SeenHeaders) -> None:
        nonlocal codes
        found = more.find(contents)
        codes = np.where((codes < 0) & (found >= 0), found + len(values), codes)
        values.extend(more.values)

    if (codes < 0).any():
        take(read_known_headers(path))
    missing = [contents[i].tobytes() for i in np.flatnonzero(codes < 0)]
    if missing:
        take(SeenHeaders(_computed(missing, read, read_header, progress)))
    if (codes >= 0).all():
        write_headers(path, digest, contents, [values[code] for code in codes.tolist()])
    plain = np.array([*(header.is_plain for header in values), True])  # The last stands for those not known.
    return {contents[i].tobytes(): values[codes[i]] for i in np.flatnonzero(~plain[codes])}


def _extrema(keys: Sequence[bytes], read: Read, path: Path, progress: Progress | None) -> dict[bytes, Limits | None]:
    """Extrema of images by content hash; None for those that cannot be decoded."""
    known = read_limits(path)
    todo = [key for key in keys if key not in known]
    if todo:
        known |= _computed(todo, read, read_extrema, progress)
        write_limits(path, known)
    return known


def _computed(
    keys: Sequence[bytes], read: Read, compute: Callable[[bytes], T], progress: Progress | None
) -> dict[bytes, T]:
    """What a function makes of contents, by their hash; those that cannot be read any more are left out."""

    def one(key: bytes) -> list[T]:
        try:
            return [compute(read(key))]
        except DataError:
            return []  # Extraction reports it as unreadable.

    results: dict[bytes, T] = {}
    with ThreadPoolExecutor(usable_cores()) as pool:
        for start in range(0, len(keys), _CHUNK):
            part = keys[start : start + _CHUNK]
            for key, own in zip(part, pool.map(one, part), strict=True):
                if own:
                    results[key] = own[0]
            if progress is not None:
                progress(start + len(part), len(keys))
    return results
