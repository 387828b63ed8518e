"""The card of a captioning dataset: images with captions by people."""

from typing import ClassVar, Self

from pydantic import model_validator

from workbench.datasets.card import DatasetCard, ItemFaults
from workbench.datasets.dataset import Dataset
from workbench.metrics.captions import METRICS, CaptionScores
from workbench.metrics.metric import Metric
from workbench.metrics.registry import added_for
from workbench.tasks.image_text.captions import caption_faults


class CaptioningCard(DatasetCard):
    """Images to be described."""

    merges_captions: ClassVar[bool] = True
    without_caption: ClassVar[str] = "are left out"
    aim: ClassVar[str] = "compare with"

    @model_validator(mode="after")
    def _has_captions(self) -> Self:
        if self.columns.caption is None:
            raise ValueError(f"task {self.task!r} needs columns.caption")
        return self

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        return (*METRICS, *added_for(CaptionScores))

    def item_faults(self, dataset: Dataset) -> ItemFaults:
        """Whether test has a caption at all."""
        return caption_faults(dataset, self.aim)
