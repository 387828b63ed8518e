"""Chosen images of a dataset, without holding the dataset."""

from collections.abc import Callable, Sequence

from workbench.arrays import AnyArray
from workbench.datasets.dataset import Dataset


def reader(dataset: Dataset, rows: Sequence[int] | AnyArray) -> Callable[[int], bytes]:
    """A function that gives the encoded bytes of the i-th of `rows`.

    It holds the places of these rows and nothing of others: neither their places nor anybody's labels.
    """
    source = dataset._source
    locations = [dataset.manifest.records[int(row)].location for row in rows]
    return lambda i: source.read(locations[i])


class ChosenImages:
    """Some images of a dataset, as features are computed from them; it leads to no other image, and to no label.

    Args:
        dataset: Where they are.
        rows: Which; they are counted from 0 here.
    """

    def __init__(self, dataset: Dataset, rows: Sequence[int] | AnyArray) -> None:
        self._hashes, self._ids = dataset.hashes(rows), dataset.ids(rows)
        self._read = reader(dataset, rows)

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32)."""
        return self._hashes[rows]

    def ids(self, rows: AnyArray) -> list[str]:
        """Names of the images."""
        return [self._ids[int(row)] for row in rows]

    def read(self, row: int) -> bytes:
        """Encoded bytes of one image."""
        return self._read(row)
