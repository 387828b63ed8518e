"""What is wrong with the items of a dataset: they are read as a run reads them, but to the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from workbench.datasets.captions import require_captions
from workbench.datasets.dataset import Dataset
from workbench.datasets.grounding import boxes_beyond, grounding_items
from workbench.datasets.items import matching_items, rows_read_together, unanswerable
from workbench.errors import DataError


@dataclass
class ItemFaults:
    """What was found.

    Attributes:
        unfit: Why a run would refuse rows, a sentence each.
        unanswerable: Items with a wrong text that is also the right one.
        boxes: How many boxes there are.
        boxes_beyond: Boxes that reach past the edges of their image.
    """

    unfit: list[str] = field(default_factory=list)
    unanswerable: list[str] = field(default_factory=list)
    boxes: int = 0
    boxes_beyond: list[str] = field(default_factory=list)


def item_faults(dataset: Dataset) -> ItemFaults:
    """Read every item of matching and grounding, and look whether retrieval and captioning have a test caption."""
    found = ItemFaults()
    if dataset.card.task in {"retrieval", "captioning"} and len(test := dataset.rows("test")):
        with _told(found, dataset):
            require_captions(dataset, test)
    if dataset.card.task == "matching":
        for rows in rows_read_together(dataset, range(len(dataset))):
            with _told(found, dataset):
                same = unanswerable(matching_items(dataset, rows))
                found.unanswerable += [f"{' and '.join(dataset.ids(rows))}: {item.texts[0]!r}" for item in same]
    if dataset.card.task == "grounding":
        for row in range(len(dataset)):
            with _told(found, dataset):
                grounding_items(dataset, [row])
                boxes, beyond = boxes_beyond(dataset, row)
                found.boxes += boxes
                found.boxes_beyond += beyond
    return found


@contextmanager
def _told(found: ItemFaults, dataset: Dataset) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        found.unfit.append(str(error).removeprefix(f"dataset {dataset.name!r}: "))
