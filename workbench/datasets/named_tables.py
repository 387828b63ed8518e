"""Tables that a card names beside its data, and that say which images belong where."""

from dataclasses import dataclass

from workbench.datasets.detection_table import DetectionTable
from workbench.datasets.group_table import GroupTable
from workbench.datasets.split_table import SplitTable


@dataclass(frozen=True)
class NamedTables:
    """The tables of a card, read.

    Attributes:
        groups: Of `splits.groups`.
        splits: Of `splits.file`.
        detections: Boxes of `regions.detections`.
    """

    groups: GroupTable | None = None
    splits: SplitTable | None = None
    detections: DetectionTable | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """What a manifest depends on: which tables there are, and what they say."""
        return tuple(
            text
            for table in (self.groups, self.splits, self.detections)
            if table
            for text in (table.name, table.digest)
        )
