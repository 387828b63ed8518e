"""The card of a matching dataset: right and wrong texts of an image, true and false statements, or pairs of images."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from workbench.datasets.card import DatasetCard, ItemFaults
from workbench.datasets.card_tables import Columns
from workbench.datasets.dataset import Dataset
from workbench.metrics.matching import OF_CHOICES, OF_PAIRS, OF_STATEMENTS, ItemHits, PairScores, StatementScores
from workbench.metrics.metric import Metric
from workbench.metrics.registry import added_for

Form = Literal["choice", "pairs", "statement"]


class MatchingColumns(Columns):
    """Names of the source's columns.

    Attributes:
        negatives: Wrong texts of an image; see `workbench.tasks.matching.items`.
        kind: The kind of an item.
        pair: Two rows with the same value are a pair of images with a caption each.
        second_image: Hub sources: the other image of a pair, where a row holds both.
        second_caption: Its caption.
    """

    of_items: ClassVar[tuple[str, ...]] = ("negatives", "kind", "pair")
    texts: ClassVar[tuple[str, ...]] = ("caption", "second_caption", "negatives")

    negatives: str | None = None
    kind: str | None = None
    pair: str | None = None
    second_image: str | None = None
    second_caption: str | None = None

    @property
    def form(self) -> Form:
        """The form of the items."""
        if self.negatives is not None:
            return "choice"
        return "statement" if self.pair is None else "pairs"

    @property
    def together(self) -> str | None:
        """See `Columns.together`."""
        return self.pair

    @property
    def second(self) -> tuple[str, str | None] | None:
        """See `Columns.second`."""
        return None if self.second_image is None else (self.second_image, self.second_caption)


class MatchingCard(DatasetCard):
    """Images with right and wrong texts."""

    columns: MatchingColumns = Field(default_factory=MatchingColumns)

    @model_validator(mode="after")
    def _has_wrong_texts(self) -> Self:
        columns = self.columns
        if columns.negatives is None:
            if columns.caption is None:
                raise ValueError(f"task {self.task!r} needs columns.negatives or columns.caption")
            if columns.label is None and columns.pair is None:
                raise ValueError(
                    f"task {self.task!r} needs, besides columns.caption, columns.negatives (wrong texts), "
                    "columns.label (true or false) or columns.pair (images in pairs)"
                )
        if columns.second_image is not None and columns.pair is None:
            raise ValueError("columns.second_image needs a Hub source and columns.pair")
        return self

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        metrics, view = {
            "choice": (OF_CHOICES, ItemHits),
            "statement": (OF_STATEMENTS, StatementScores),
            "pairs": (OF_PAIRS, PairScores),
        }[self.columns.form]
        return (*metrics, *added_for(view))

    def fingerprint_parts(self) -> list[Any]:
        """See `DatasetCard.fingerprint_parts`."""
        # As digests of earlier versions have it, in which all tasks shared their columns.
        named = {"negatives": self.columns.negatives, "kind": self.columns.kind, "pair": self.columns.pair}
        return [{**named, "boxes": None, "instruction": None, "answer": None}, None]

    def item_faults(self, dataset: Dataset) -> ItemFaults:
        """Rows that make no items, and items with a wrong text that is also the right one."""
        from workbench.tasks.matching.items import matching_items, rows_read_together, unanswerable

        faults = ItemFaults()
        for rows in rows_read_together(dataset, range(len(dataset))):
            with faults.noted(dataset.name):
                unanswerable_items = unanswerable(matching_items(dataset, rows))
                faults.unanswerable += [
                    f"{' and '.join(dataset.ids(rows))}: {item.texts[0]!r}" for item in unanswerable_items
                ]
        return faults


def matching_card(dataset: Dataset) -> MatchingCard:
    """The card of a matching dataset; raises `TypeError` for others."""
    if not isinstance(dataset.card, MatchingCard):
        raise TypeError(f"dataset {dataset.name!r} is no matching.")
    return dataset.card
