"""A card's table `[labels]`: what uncertain and missing findings count as, and classes that are joined or left out."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from workbench.datasets.card_sources import Section
from workbench.texts import shown

if TYPE_CHECKING:
    from workbench.datasets.card import DatasetCard

UNCERTAIN = ("ignore", "positive", "negative", "leave-out")


class LabelTable(Section):
    """How labels of the source become those of the dataset: `exclude`, then `drop`, then `merge`.

    Attributes:
        uncertain: What -1 in a column of `columns.labels` counts as. `ignore` leaves the finding of this image out of
            every loss and metric, `leave-out` the whole image.
        missing: What an empty cell there counts as.
        exclude: Labels whose images are left out.
        drop: Labels that are taken from images, which stay; for cards with several labels an image.
        merge: New label to the labels that become it.
        multi_hot: The labels' column holds a list of 0 and 1 instead of names, one for each of `[classes]` in their
            order.
    """

    multi_hot: bool = False
    uncertain: Literal["ignore", "positive", "negative", "leave-out"] | None = None
    missing: Literal["ignore", "negative", "leave-out"] = "ignore"
    exclude: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    merge: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("merge")
    @classmethod
    def _each_once(cls, merge: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        labels = [label for merged in merge.values() for label in merged]
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise ValueError(f"{shown(repr(twice), 80)} is merged into two labels")
        return merge


def label_faults(card: "DatasetCard") -> str | None:
    """Why the tables `[columns]` and `[labels]` of a card contradict one another, in words; None where they do not."""
    columns, rules = card.columns.labels, card.labels
    if columns and not card.multi_label:
        return "columns.labels names a column for each finding; set multi_label = true"
    if columns and card.columns.label is not None:
        return "columns.label and columns.labels are two ways to say the labels; name one of them"
    if len(set(columns)) < len(columns):
        return "columns.labels names a column twice"
    if not columns and (rules.uncertain or rules.missing != "ignore"):
        return "labels.uncertain and labels.missing are for a column each finding; name these in columns.labels"
    if rules.multi_hot and not (card.multi_label and card.columns.label and card.classes):
        return "labels.multi_hot reads a list of 0 and 1; it needs multi_label = true, columns.label and [classes]"
    if rules.drop and not card.multi_label:
        return "labels.drop would leave images without a label; labels.exclude leaves images out"
    return None


def declared_labels(card: "DatasetCard") -> dict[str, str]:
    """Raw label to name of the columns of findings, as `[labels]` leaves them, in the card's order; empty without."""
    rules = card.labels
    becomes = {label: new for new, merged in rules.merge.items() for label in merged}
    kept = (label for label in card.columns.labels if label not in (*rules.drop, *rules.exclude))
    return {label: label for label in dict.fromkeys(becomes.get(label, label) for label in kept)}
