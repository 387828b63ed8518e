"""A third party's kind of source: grey slices in `.npy` files, listed by a CSV, seen through a window of values."""

from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from workbench import DatasetCard, FileSource, Location, Locator, Record, SourceTable, table_records


class NpyStackTable(SourceTable):
    """A CSV of `.npy` files; values of `window` and beyond become black and white."""

    type: Literal["npy-stack"]
    path: str
    window: tuple[float, float] = (0.0, 1.0)


class NpyStack(FileSource):
    """Reads slices of any number type, height first."""

    Table = NpyStackTable

    def __init__(self, card: DatasetCard, table: Path, window: tuple[float, float]) -> None:
        super().__init__(table.parent, [table])
        self._card, self._list, self._window = card, table, window

    @classmethod
    def open(cls, card: DatasetCard, place: Locator) -> "NpyStack":
        """Find the CSV."""
        table = card.source
        assert isinstance(table, NpyStackTable)
        return cls(card, place.find(table.path), table.window)

    def records(self) -> list[Record]:
        """One image a row."""
        return list(table_records(self._card, self._list, None))

    def decode(self, data: bytes, location: Location) -> Image.Image:
        """Grey through the window."""
        values = np.load(BytesIO(data), allow_pickle=False).astype(np.float64)
        low, high = self._window
        return Image.fromarray((np.clip((values - low) / (high - low), 0, 1) * 255).round().astype(np.uint8))
