"""The card of a retrieval dataset: images with captions, or with the descriptions of their classes."""

from typing import ClassVar, Self

from pydantic import model_validator

from workbench.datasets.card import DatasetCard, ItemFaults
from workbench.datasets.dataset import Dataset
from workbench.metrics.metric import Metric
from workbench.metrics.registry import added_for
from workbench.metrics.retrieval import METRICS, DirectedRanks
from workbench.tasks.image_text.captions import caption_faults


class RetrievalCard(DatasetCard):
    """Images and texts to find each other by."""

    folder_column: ClassVar[str | None] = "caption"
    merges_captions: ClassVar[bool] = True
    # A text is looked for among all images, also those without a caption.
    without_caption: ClassVar[str] = "are asked for no text, but stay among the images to find"
    aim: ClassVar[str] = "retrieve"

    @model_validator(mode="after")
    def _has_texts(self) -> Self:
        columns, prompts = self.columns, self.prompts
        described = columns.label is not None and bool(prompts.descriptions or prompts.descriptions_file)
        if columns.caption is None and not described:
            raise ValueError(
                f"task {self.task!r} needs columns.caption, or columns.label with descriptions of the classes in "
                "[prompts]"
            )
        return self

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        return (*METRICS, *added_for(DirectedRanks))

    @property
    def captions_are_descriptions(self) -> bool:
        """See `DatasetCard.captions_are_descriptions`."""
        return self.columns.caption is None

    def item_faults(self, dataset: Dataset) -> ItemFaults:
        """Whether test has a caption at all."""
        return caption_faults(dataset, self.aim)
