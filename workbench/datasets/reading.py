"""Chosen images of a dataset, without holding the dataset."""

from collections.abc import Sequence

from workbench.arrays import AnyArray
from workbench.datasets.dataset import Dataset
from workbench.datasets.decoding import Decoder
from workbench.datasets.pictures import Pictures
from workbench.datasets.sources import Location, read_from


class ChosenImages(Pictures):
    """Some images of a dataset, as features are computed from them; it leads to no other image, and to no label.

    Args:
        dataset: The dataset.
        rows: Rows of the dataset, counted from 0.
    """

    def __init__(self, dataset: Dataset, rows: Sequence[int] | AnyArray) -> None:
        self._hashes, self._ids = dataset.hashes(rows), dataset.ids(rows)
        # The places of these rows and nothing of others.
        self._encoded = [dataset.encoded(int(row)) for row in rows]

    def hashes(self, rows: AnyArray) -> AnyArray:
        """uint8 (n, 32)."""
        return self._hashes[rows]

    def ids(self, rows: AnyArray) -> list[str]:
        """Names of the images."""
        return [self._ids[int(row)] for row in rows]

    def read(self, row: int) -> bytes:
        """Encoded bytes of one image."""
        encoded = self._encoded[row]
        return read_from(encoded.source, encoded.location)

    def _location(self, row: int) -> Location:
        return self._encoded[row].location

    def _decoder_of(self, row: int) -> Decoder:
        return self._encoded[row].decoder
