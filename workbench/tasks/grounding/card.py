"""The card of a grounding dataset: candidate boxes, and instructions that mean one of them."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from workbench.datasets.card import DatasetCard, ItemFaults
from workbench.datasets.card_sources import Section
from workbench.datasets.card_tables import Columns
from workbench.datasets.dataset import Dataset
from workbench.metrics.matching import OF_CHOICES, ItemHits
from workbench.metrics.metric import Metric
from workbench.metrics.registry import added_for


class GroundingColumns(Columns):
    """Names of the source's columns.

    Attributes:
        boxes: Candidate boxes of an image.
        instruction: The sentence, or sentences, that mean a box.
        answer: Index of the box that is meant, or indices where several will do.
        kind: The kind of an instruction.
    """

    of_items: ClassVar[tuple[str, ...]] = ("boxes", "instruction", "answer", "kind")
    texts: ClassVar[tuple[str, ...]] = ("caption", "instruction")

    boxes: str | None = None
    instruction: str | None = None
    answer: str | None = None
    kind: str | None = None


class BoxSettings(Section):
    """The table `[regions]`: settings by which candidate boxes become images.

    Attributes:
        format: Left, top, right, bottom (`xyxy`), or left, top, width, height (`xywh`), in pixels of the upright image.
        context: The surroundings of a candidate: nothing (`crop`), the image blurred (`blur`), or the image as it is
            with an ellipse about the candidate (`circle`).
        margin: By how much of its width and height a box is widened on each side.
    """

    format: Literal["xyxy", "xywh"] = "xyxy"
    context: Literal["crop", "blur", "circle"] = "crop"
    margin: float = Field(default=0.1, ge=0, le=2)


class GroundingCard(DatasetCard):
    """Boxes to be picked by an instruction."""

    columns: GroundingColumns = Field(default_factory=GroundingColumns)
    regions: BoxSettings | None = None

    @model_validator(mode="after")
    def _has_boxes_and_instructions(self) -> Self:
        missing = [name for name in ("boxes", "instruction") if getattr(self.columns, name) is None]
        if missing:
            raise ValueError(f"task {self.task!r} needs columns.{missing[0]}")
        return self

    @property
    def box_settings(self) -> BoxSettings:
        """`regions`, or its defaults."""
        return self.regions or BoxSettings()

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        return (*OF_CHOICES, *added_for(ItemHits))

    def fingerprint_parts(self) -> list[Any]:
        """See `DatasetCard.fingerprint_parts`."""
        # As in digests of earlier versions, in which all tasks shared their columns.
        columns = self.columns
        named = {"boxes": columns.boxes, "instruction": columns.instruction, "answer": columns.answer}
        others = {"negatives": None, "kind": columns.kind, "pair": None}
        return [{**others, **named}, self.regions and self.regions.model_dump()]

    def item_faults(self, dataset: Dataset) -> ItemFaults:
        """Rows that make no items, and boxes that reach past the edges of their image."""
        from workbench.tasks.grounding.items import boxes_beyond, grounding_items

        faults = ItemFaults()
        for row in range(len(dataset)):
            with faults.noted(dataset.name):
                grounding_items(dataset, [row])
                boxes, beyond = boxes_beyond(dataset, row)
                faults.boxes += boxes
                faults.boxes_beyond += beyond
        return faults


def grounding_card(dataset: Dataset) -> GroundingCard:
    """The card of a grounding dataset; raises `TypeError` for others."""
    if not isinstance(dataset.card, GroundingCard):
        raise TypeError(f"dataset {dataset.name!r} is no grounding.")
    return dataset.card
