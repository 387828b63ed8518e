"""Boxes of a detector as a column of a dataset's images."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from workbench.datasets.detections import Detections, read_detections
from workbench.datasets.sources import Record
from workbench.errors import DataError

COLUMN = "detections"


@dataclass(frozen=True)
class DetectionTable:
    """The boxes that a card's file has.

    Attributes:
        name: The file, as the card names it.
        path: Where it lies.
        least_score: Detections with a lower score are left out.
    """

    name: str
    path: Path
    least_score: float

    @cached_property
    def _boxes(self) -> Detections:
        return read_detections(self.path, least_score=self.least_score)

    @cached_property
    def digest(self) -> str:
        """Hex digest of what it says."""
        return sha256(self.path.read_bytes() + repr(self.least_score).encode()).hexdigest()

    def applied(self, records: Sequence[Record]) -> list[Record]:
        """Records with their boxes in the column `detections`: lists of left, top, right, bottom.

        Raises:
            DataError: There are boxes for none of the images, or they have such a column already.
        """
        self._boxes.check([record.id for record in records])
        found = []
        for record in records:
            extra = json.loads(record.extra or "{}")
            if COLUMN in extra:
                raise DataError(f"{record.id}: has a column {COLUMN!r} already, which regions.detections fills.")
            boxes = [list(detection.box) for detection in self._boxes.of(record.id)]
            found.append(replace(record, extra=json.dumps({**extra, COLUMN: boxes})))
        return found
