"""Approximate search for galleries of millions: faiss's inverted lists, with their recall against exact search."""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import FloatArray, IntArray
from workbench.errors import WorkbenchError
from workbench.files import TEMPORARY, checksum_of_file, is_sealed_intact, read_sealed, set_aside, write_sealed
from workbench.search.ranking import top_rows

if TYPE_CHECKING:
    from workbench.search.gallery import Gallery

PAYS_FROM = 1_000_000
"""Below so many images exact search answers before an index could be read from disk."""
TARGET = 0.95
"""Lists are added to a search until its recall at 10 on one half of the sample reaches this."""
_SAMPLE = 200
_AT = 10
_VERSION = 2
_SEED = 0


@dataclass(frozen=True)
class Recall:
    """The share of the exact results that the index finds.

    Attributes:
        value: Mean share (0..1) of the exact ten nearest that are among the index's ten.
        at: Ten, or the size of a smaller gallery.
        queries: Number of images of the gallery that were searched for, none of which chose `probes`.
        probes: Lists visited by a search.
        lists: All lists.
    """

    value: float
    at: int
    queries: int
    probes: int
    lists: int


class Approximate:
    """An index over a gallery.

    Args:
        index: faiss's.
        recall: Measured when it was built.
    """

    def __init__(self, index: Any, recall: Recall) -> None:
        self._index = index
        self.recall = recall

    def search(self, vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Positions (k,), best first, and their cosines; fewer where the visited lists hold fewer."""
        scores, places = self._index.search(np.ascontiguousarray(vector[None], dtype=np.float32), k)
        valid = places[0] >= 0
        return places[0][valid].astype(np.int64), scores[0][valid].astype(np.float32)


def is_available() -> bool:
    """Whether faiss is installed."""
    return find_spec("faiss") is not None


def approximate_index(gallery: "Gallery", cache: Path) -> Approximate:
    """The index of a gallery from the cache, built where it is not there.

    Vectors go to the list of their nearest k-means centre, and a search visits the lists nearest to the query (Jégou et
    al., PAMI 2011, without the compression). Images of the gallery serve as queries for two measurements: one half of
    them chooses how many lists a search visits, the other half measures recall. Sentences lie farther from images than
    images do from each other, so their recall can be lower.

    Args:
        gallery: The images to search.
        cache: The workbench's cache folder; the index is as large as the features.

    Raises:
        WorkbenchError: faiss is not installed, or the cache cannot be written.
    """
    if not is_available():
        raise WorkbenchError(
            "search --index approximate: faiss is not installed; pip install 'clip-workbench[search]', or leave "
            "--index out."
        )
    path = cache / "search" / f"{gallery.fingerprint()[:40]}-{_VERSION}.faiss"
    stored = _read(path)
    if stored is not None:
        return stored
    index, recall = _build(gallery)
    try:
        _write(path, index, recall)
    except (OSError, RuntimeError) as error:
        raise WorkbenchError(
            f"{path}: the index cannot be written ({error}); it takes {gallery.bytes / 1e6:.0f} MB. Free space there, "
            "or set WORKBENCH_CACHE to another folder."
        ) from error
    return _ready(index, recall)


def _read(path: Path) -> Approximate | None:
    """The stored index; None where there is none, or a damaged one, which is then moved aside."""
    import faiss

    content = read_sealed(path.with_suffix(".about"))
    if content is None or not path.is_file():
        return None
    known = json.loads(content)
    if checksum_of_file(path) == known.pop("checksum"):
        return _ready(faiss.read_index(str(path)), Recall(**known))
    set_aside(path)
    return None


def damaged_indexes(cache: Path) -> Iterator[Path]:
    """Indexes below the cache that differ from what was written; reads all whose descriptions are intact."""
    for path in sorted((cache / "search").glob("*.faiss")):
        about = path.with_suffix(".about")
        if is_sealed_intact(about) and json.loads(read_sealed(about) or b"{}")["checksum"] != checksum_of_file(path):
            yield path


def _write(path: Path, index: Any, recall: Recall) -> None:
    import faiss

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.getpid()}{TEMPORARY}")
    try:
        faiss.write_index(index, str(temporary))
        digest = checksum_of_file(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    write_sealed(path.with_suffix(".about"), json.dumps({**asdict(recall), "checksum": digest}).encode())


def _build(gallery: "Gallery") -> tuple[Any, Recall]:
    import faiss

    n, width = len(gallery), int(gallery.encoder.embed_dim)
    lists = max(1, min(4096, n // 39, round(2 * math.sqrt(n))))  # faiss wants 39 vectors a centre, and warns below.
    rng = np.random.default_rng(_SEED)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.spherical = _SEED, True
    index.train(_take(gallery, np.sort(rng.permutation(n)[: 64 * lists])))
    for _, rows in gallery.blocks():
        index.add(rows)
    sample = _take(gallery, np.sort(rng.permutation(n)[:_SAMPLE]))
    choosing, measuring = (sample[::2], sample[1::2]) if len(sample) > 1 else (sample, sample)
    at = min(_AT, n)
    probes = 1
    neighbours = top_rows(choosing, gallery.blocks(), at)[0]
    while probes < lists and _recall(index, choosing, neighbours, at, probes) < TARGET:
        probes = min(2 * probes, lists)
    exact = top_rows(measuring, gallery.blocks(), at)[0]
    return index, Recall(_recall(index, measuring, exact, at, probes), at, len(measuring), probes, lists)


def _take(gallery: "Gallery", places: IntArray) -> FloatArray:
    parts = []
    for start, rows in gallery.blocks():
        block_places = places[(places >= start) & (places < start + len(rows))]
        parts.append(rows[block_places - start])
    return np.ascontiguousarray(np.concatenate(parts))


def _recall(index: Any, queries: FloatArray, exact: list[IntArray], at: int, probes: int) -> float:
    index.nprobe = probes
    _, approximate = index.search(np.ascontiguousarray(queries), at)
    return float(
        np.mean([np.isin(expected, neighbours).mean() for expected, neighbours in zip(exact, approximate, strict=True)])
    )


def _ready(index: Any, recall: Recall) -> Approximate:
    index.nprobe = recall.probes
    return Approximate(index, recall)
