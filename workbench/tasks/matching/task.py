"""The task: find the right text of an image among wrong ones, or decide whether statements are true."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from workbench.datasets.card import DatasetCard
from workbench.recipes import Fitted, RunSpec
from workbench.tasks.choices.builder import ChoicesBuilder, ItemNames
from workbench.tasks.choices.candidates import Choices
from workbench.tasks.choices.task import ChoiceTask
from workbench.tasks.image_text.given import ImageTextTask
from workbench.tasks.matching.answers import matching_answers
from workbench.tasks.matching.card import Form, MatchingCard, matching_card
from workbench.tasks.matching.given import MatchingTask
from workbench.tasks.matching.items import matching_items, rows_read_together, unanswerable, unanswerable_note
from workbench.tasks.matching.predictions import MatchingPredictions
from workbench.tasks.predictions import Predictions
from workbench.tasks.split_rows import SplitRows
from workbench.tasks.task import Answer

if TYPE_CHECKING:
    from workbench.arrays import IntArray
    from workbench.images import ImageSet


class Matching(ChoiceTask):
    """See the module."""

    Card: ClassVar[type[DatasetCard]] = MatchingCard
    Given: ClassVar[type[ImageTextTask]] = MatchingTask
    Result: ClassVar[type[Predictions]] = MatchingPredictions
    answers_texts: ClassVar[bool] = True
    items: ClassVar[str] = "images with their texts, statements or pairs in matching"

    @classmethod
    def answer_texts(
        cls, predictor: Fitted, images: "ImageSet", texts: Sequence[str], card: DatasetCard, top: int
    ) -> list[Answer]:  # fmt: skip
        """See `matching_answers`."""
        return matching_answers(predictor, images, texts, cast("MatchingCard", card).columns.form, top)

    @property
    def form(self) -> Form:
        """The form of the items."""
        return matching_card(self.data.dataset).columns.form

    def rows(self, spec: RunSpec) -> SplitRows:
        """See `DatasetTask.rows`; of pairs, shots are images, and both of a pair are drawn."""
        dataset = self.data.dataset
        if spec.shots == 0 and self.form == "statement" and len(dataset.rows("test")):
            # Validation places the threshold, for recipes that do not train, too.
            return SplitRows(dataset.rows("train")[:0], dataset.rows("val"), dataset.rows("test"))
        if not spec.shots or self.form != "pairs":
            return super().rows(spec)
        together = {
            "train": rows_read_together(dataset, dataset.rows("train")),
            "val": rows_read_together(dataset, dataset.rows("val")),
        }
        return self.data.total_shots(spec, max(1, spec.shots // 2), together)

    def given(self, spec: RunSpec, rows: SplitRows, *, refit: bool) -> MatchingTask:
        """See `DatasetTask.given`."""
        train, val = (self.choices(part, unseen=rows.labels_only)[0] for part in (rows.train, rows.val))
        return MatchingTask(**self.common_fields(spec, refit=refit), form=self.form, train=train, val=val)

    def notes(self, rows: SplitRows) -> list[str]:
        """See `DatasetTask.notes`."""
        items = matching_items(self.data.dataset, self._whole_pairs(rows.test))
        count = len(unanswerable(items))
        return [unanswerable_note(count, len(items))] if count else []

    def choices(self, rows: "IntArray", *, unseen: bool = False) -> tuple[Choices, ItemNames]:
        """See `ChoiceTask.choices`."""
        place = {int(row): i for i, row in enumerate(rows)}
        build = ChoicesBuilder(self.data.dataset)
        for item in matching_items(self.data.dataset, self._whole_pairs(rows)):
            if self.form == "pairs":
                first, second = (place[row] for row in item.rows)
                order = [(first, 0), (first, 1), (second, 0), (second, 1)]
                candidates = [(image, item.texts[k]) for image, k in order]
                right = [True, False, False, True]
            else:
                candidates = [(place[item.rows[0]], text) for text in item.texts]
                right = [item.truth] if len(item.texts) == 1 else [True] + [False] * (len(item.texts) - 1)
            build.add(item.rows[0], candidates, right, item.kind, " | ".join(item.texts))
        return build.choices(self.data.images(rows, unseen=unseen))

    def _whole_pairs(self, rows: "IntArray") -> "IntArray":
        """Of pairs, rows without those whose partner is unreadable."""
        unreadable = self.data.unreadable
        if self.form != "pairs":
            return rows
        together = rows_read_together(self.data.dataset, [*rows, *unreadable])
        lost = [row for members in together if any(row in unreadable for row in members) for row in members]
        return np.asarray(rows[~np.isin(rows, lost)], dtype=np.int64)

    def extra_fields(self) -> dict[str, Any]:
        """See `ChoiceTask.extra_fields`."""
        return {"form": self.form}
