"""The card of a grounding dataset: candidate boxes, and instructions that mean one of them."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from workbench.datasets.card import DatasetCard, ItemFaults
from workbench.datasets.card_sources import Section
from workbench.datasets.card_tables import Columns
from workbench.datasets.dataset import Dataset
from workbench.metrics.matching import OF_CHOICES, POINTING_ACCURACY, ItemHits
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
        pointing: Whether test measures, too, where a run points without boxes: `pointing_accuracy`.
        detections: A file of boxes that a detector wrote, which are the candidates then; see
            `workbench.datasets.detections`. `columns.boxes` still says which box is meant.
        least_score: Detections with a lower score are left out.
        overlap: A detection is right that overlaps a right box by at least this (intersection over union).
    """

    format: Literal["xyxy", "xywh"] = "xyxy"
    context: Literal["crop", "blur", "circle"] = "crop"
    margin: float = Field(default=0.1, ge=0, le=2)
    pointing: bool = False
    detections: str | None = None
    least_score: float = Field(default=0.0, ge=0, le=1)
    overlap: float = Field(default=0.5, gt=0, le=1)


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

    @property
    def detections(self) -> tuple[str, float] | None:
        """See `DatasetCard.detections`."""
        settings = self.box_settings
        return None if settings.detections is None else (settings.detections, settings.least_score)

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        pointing = (POINTING_ACCURACY,) if self.box_settings.pointing else ()
        return (*OF_CHOICES, *pointing, *added_for(ItemHits))

    def fingerprint_parts(self) -> list[Any]:
        """See `DatasetCard.fingerprint_parts`."""
        # As in digests of earlier versions, in which all tasks shared their columns.
        columns = self.columns
        named = {"boxes": columns.boxes, "instruction": columns.instruction, "answer": columns.answer}
        others = {"negatives": None, "kind": columns.kind, "pair": None}
        # What few cards have is no part of the digests of others.
        settings = self.box_settings
        left_out = set() if settings.pointing else {"pointing"}
        left_out |= set() if settings.detections else {"detections", "least_score", "overlap"}
        return [{**others, **named}, self.regions and self.regions.model_dump(exclude=left_out)]

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
