"""Predictions of matching: right and wrong texts, true and false statements, or pairs of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from workbench.arrays import AnyArray
from workbench.metrics import Estimate, Evaluator, Metric, estimate_metrics, sigmoid
from workbench.metrics.matching import PairScores, StatementScores
from workbench.metrics.measured import exact_pairs, repeat_labels
from workbench.metrics.registry import all_metrics
from workbench.tasks.choices.answers import candidate_answers, number_of, pair_answers
from workbench.tasks.choices.predictions import ChoicePredictions
from workbench.tasks.examples import ScoredAnswer
from workbench.tasks.groups import group_codes
from workbench.tasks.matching.card import Form
from workbench.tasks.matching.items import MatchingItem, matching_items
from workbench.tasks.predictions import ItemScores

if TYPE_CHECKING:
    from workbench.datasets import Dataset


@dataclass(frozen=True)
class MatchingPredictions(ChoicePredictions):
    """The scores of every item's candidates.

    Attributes:
        form: The form of the items, see `Candidates`.
    """

    form: Form = "choice"

    def _view(self) -> StatementScores | PairScores:
        if self.form == "statement":
            return StatementScores(self._flat, self._truth)
        return PairScores(self._flat.reshape(-1, 2, 2))

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`."""
        if self.form == "choice":
            return super().estimates(metrics)
        return estimate_metrics(metrics, self._view(), len(self.ids), group_codes(self.groups))

    def chance(self) -> dict[str, float]:
        """As of any choice; Winoground's own figures for pairs; nothing for statements."""
        if self.form == "statement":
            return {}
        if self.form == "pairs":
            return {"chance_text_score": 1 / 4, "chance_image_score": 1 / 4, "chance_group_score": 1 / 6}
        return super().chance()

    @property
    def hits(self) -> AnyArray:
        """Whether each item is right, bool (items,): of a pair, all of it."""
        if self.form == "choice":
            return super().hits
        view = self._view()
        return view.winoground[2] if isinstance(view, PairScores) else view.hits

    def comparable(self) -> Sequence[str]:
        """See `Predictions.comparable`."""
        if self.form == "choice":
            return super().comparable()
        return list(Evaluator(all_metrics().values(), self._view()).metrics)

    def scores_of(self, metric: str) -> ItemScores:
        """See `Predictions.scores_of`."""
        if self.form == "choice":
            return super().scores_of(metric)
        evaluator = Evaluator([all_metrics()[metric]] if metric in all_metrics() else [], self._view())
        if metric in evaluator.terms:
            return self._hits(evaluator.terms[metric])
        if metric not in evaluator.metrics:
            raise self.unknown(metric)
        truth = self._truth
        return ItemScores(self.ids, self.groups, self._flat, truth, partial(_of_statements, truth, metric))

    def _margin(self, i: int) -> tuple[float, str]:
        scores, right = self.scores[i], self.is_correct[i]
        if self.form == "statement":
            margin = -float(scores[0]) if right[0] else float(scores[0])
            return margin, f"{'true' if right[0] else 'false'}, scored {scores[0]:+.2f}"
        if self.form == "pairs":
            # Image 0 with both texts, then image 1; right are those of equal index.
            margin = float(max(scores[1], scores[2]) - min(scores[0], scores[3]))
            if margin < 0:
                return margin, f"both right pairs score at least {-margin:+.2f} above the exchanged ones"
            return margin, f"an exchanged pair scores {margin:+.2f} above a right one"
        return super()._margin(i)

    def _chance_of(self, i: int) -> float | None:
        # Nobody guesses statements, and of pairs the group score counts.
        return {"choice": super()._chance_of(i), "pairs": 1 / 6, "statement": None}[self.form]

    def answers(
        self, place: int, dataset: "Dataset | None" = None, row: int | None = None
    ) -> list[ScoredAnswer]:  # fmt: skip
        """See `Predictions.answers`."""
        scores, right = self.scores[place], self.is_correct[place]
        if self.form == "statement":
            # Scores are logits of being true.
            yes = float(sigmoid(scores)[0])
            both = [
                ScoredAnswer(text, score, share, bool(right[0]) == is_true, bool(scores[0] >= 0) == is_true)
                for text, score, share, is_true in (
                    ("true", float(scores[0]), yes, True), ("false", -float(scores[0]), 1 - yes, False)
                )
            ]  # fmt: skip
            return sorted(both, key=lambda answer: not answer.is_chosen)
        item = self._item_of(place, dataset, row)
        if item is None or dataset is None:
            return super().answers(place) if self.form == "choice" else []
        if self.form == "pairs":
            return pair_answers(scores, dataset.ids(item.rows), item.texts)
        return candidate_answers(scores, right, item.texts)

    def _item_of(self, place: int, dataset: "Dataset | None", row: int | None) -> MatchingItem | None:
        """The item in the dataset; None where that is not at hand, or holds no item of this form there."""
        if dataset is None or row is None:
            return None
        items = matching_items(dataset, [row])
        number = number_of(self.ids[place])
        expected = 2 if self.form == "pairs" else len(self.scores[place])
        return items[number] if number < len(items) and len(items[number].texts) == expected else None

    def metadata(self) -> dict[str, str]:
        """See `ChoicePredictions.metadata`."""
        return {"form": self.form}

    @classmethod
    def fields_of_metadata(cls, metadata: dict[str, str]) -> dict[str, str]:
        """See `ChoicePredictions.fields_of_metadata`."""
        return {"form": metadata["form"]}


def _of_statements(truth: AnyArray, metric: str, scores: AnyArray) -> Evaluator:
    repeated, exact = repeat_labels(truth, len(scores)), exact_pairs(len(scores), len(truth))
    return Evaluator([all_metrics()[metric]], StatementScores(scores, repeated, exact_pairs=exact))
