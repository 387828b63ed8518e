"""`predictions.parquet` of classification: the scores of every class for every test image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.errors import DataError
from workbench.metrics import Estimate, Metric, classification_metrics, sigmoid, softmax
from workbench.metrics import functional as F
from workbench.metrics.class_scores import ClassScores, LabelScores
from workbench.metrics.domains import MEAN, numbered_domains
from workbench.metrics.evaluator import Evaluator
from workbench.metrics.hierarchy import Taxonomy
from workbench.metrics.keys import metric_keys
from workbench.metrics.measured import exact_pairs, repeat_labels
from workbench.metrics.registry import all_metrics, base_name, metric_named
from workbench.tasks.classification.choices import Choices
from workbench.tasks.classification.classes import class_order, other_names
from workbench.tasks.classification.examples import class_answers, class_examples
from workbench.tasks.classification.prediction_table import table_of, values_of
from workbench.tasks.classification.subgroup_tests import subgroup_tests
from workbench.tasks.classification.unknown_items import UnknownItems
from workbench.tasks.classification.validation_scores import VALIDATION, ValidationScores
from workbench.tasks.classification.views import comparable_views, is_plain, view_estimates, view_scores_of
from workbench.tasks.examples import Example, ScoredAnswer
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import ItemScores, Predictions

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.datasets import Dataset


@dataclass(frozen=True)
class ClassPredictions(Predictions):
    """Scores of test items.

    Attributes:
        ids: Item names.
        groups: Group names, or None where an item has none.
        labels: int64 (n,), or bool (n, n_classes) where multi-label, or float32 with NaN for labels that are not known;
            None for unlabelled items.
        scores: float32 (n, n_classes) logits.
        class_names: In column order.
        class_keys: Their raw labels, which stay the same when a card names the classes anew; None where they are not
            recorded, as by earlier versions and by other tools.
        unseen: Columns of the classes that the card keeps for test.
        positive: Of two classes the one that `sensitivity` is about.
        domains: Domain of each item, None for none; None where the card names no domains.
        source_domains: The domains that training images are of.
        other_orders: Of an online predictor, the scores that it gave when the same items came in other orders.
        subgroups: By column, the subgroup of each item, None for none.
        choices: What was chosen on validation, of cards with `[decisions]`; scores are calibrated by it already.
        unknown_items: Test images of classes that no recipe was told of, which are not among the items; None where
            there are no such classes.
        taxonomy: The ranks above the classes, or None.
        bands: Whether each class is of the head, the middle or the tail of the training images' classes; empty where
            nobody asks.
        observations: The observation of each item, None for none; None where the card names none.
        regions: The region of each item, likewise.
        checklists: By region, the classes that occur there.
        validation: The scores that it was chosen on; None where predictions were read back.
    """

    examples_are: ClassVar[str] = "images, the most confident mistakes first"

    ids: Sequence[str]
    groups: Sequence[str | None]
    labels: AnyArray | None
    scores: FloatArray
    class_names: tuple[str, ...]
    class_keys: tuple[str, ...] | None = None
    unseen: tuple[int, ...] = ()
    positive: int = 1
    domains: Sequence[str | None] | None = None
    source_domains: tuple[str, ...] = ()
    other_orders: tuple[FloatArray, ...] = ()
    subgroups: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    choices: Choices | None = None
    unknown_items: UnknownItems | None = None
    taxonomy: Taxonomy | None = None
    bands: tuple[str, ...] = ()
    observations: Sequence[str | None] | None = None
    regions: Sequence[str | None] | None = None
    checklists: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    validation: ValidationScores | None = None

    @property
    def group_codes(self) -> AnyArray | None:
        """As `group_codes` numbers them."""
        return group_codes(self.groups)

    @property
    def multi_label(self) -> bool:
        """Whether an item may have several labels."""
        return self.labels is not None and self.labels.ndim == 2

    def _truth(self) -> AnyArray:
        if self.labels is None:
            raise DataError("no labels, so nothing can be measured or compared.")
        return self.labels

    def estimates(self, metrics: Sequence[Metric]) -> dict[str, Estimate]:
        """See `Predictions.estimates`."""
        plain = classification_metrics(
            self.scores, self._truth(), self.group_codes, multi_label=self.multi_label,
            metrics=[metric for metric in metrics if is_plain(metric.name)], label_names=self.class_names,
            unseen=self.unseen, positive=self.positive, domains=self.domains, source_domains=self.source_domains,
        )  # fmt: skip
        return plain | view_estimates(self, [metric for metric in metrics if not is_plain(metric.name)])

    def tests(self, metrics: Sequence[Metric]) -> dict[str, float]:
        """See `Predictions.tests`: whether subgroups differ; see `subgroup_tests`."""
        return subgroup_tests(self, metrics) if self.subgroups and self.labels is not None else {}

    def class_scores(self) -> ClassScores | LabelScores:
        """What metrics of scores are computed from."""
        return self._view(self.scores, self._truth())

    def stability(self) -> dict[str, float]:
        """Accuracy and calibration over the orders of an online predictor, and how much they change its answers.

        `order_accuracy_mean`, `order_accuracy_range` (the best order's minus the worst's), `order_ece_mean`, and
        `order_class_changes`, the share of items that are not given the same class in all orders.
        """
        if not self.other_orders:
            return {}
        orders = [self, *(replace(self, scores=scores, other_orders=()) for scores in self.other_orders)]
        measured = [order.estimates([metric_named("accuracy"), metric_named("ece")]) for order in orders]
        accuracy = [estimates["accuracy"].value for estimates in measured]
        classes = np.stack([order.scores.argmax(axis=1) for order in orders])
        return {
            "order_accuracy_mean": float(np.mean(accuracy)),
            "order_accuracy_range": max(accuracy) - min(accuracy),
            "order_ece_mean": float(np.mean([estimates["ece"].value for estimates in measured])),
            "order_class_changes": float((classes != classes[0]).any(axis=0).mean()),
        }

    def comparable(self) -> Sequence[str]:
        """See `Predictions.comparable`."""
        names, codes = numbered_domains(self.domains)
        scores = self._view(self.scores, self._truth(), domains=codes, sources=self._sources(names))
        return [*(name for name, metric in all_metrics().items() if metric.fits(scores)), *comparable_views(self)]

    def scores_of(self, metric: str) -> ItemScores:
        """See `Predictions.scores_of`."""
        base, _, part = metric.partition("/")
        if base not in all_metrics():
            raise self.unknown(metric)
        if not is_plain(metric):
            return view_scores_of(self, metric)
        names, codes = numbered_domains(self.domains)
        fixed = list(all_metrics()[base].part_names)
        keys = fixed or metric_keys(names if base.startswith(MEAN) else self.class_names)
        if part and part not in keys:
            raise self.unknown(metric)
        truth = self._truth()
        sources = self._sources(names)
        build = partial(self._evaluator, truth, codes, sources, metric, keys.index(part) if part else None)
        return ItemScores(self.ids, self.groups, self.scores, truth, build)

    def _sources(self, domains: Sequence[str]) -> list[int]:
        return [i for i, name in enumerate(domains) if name in self.source_domains]

    def _view(self, scores: AnyArray, labels: AnyArray, **options: Any) -> ClassScores | LabelScores:
        if labels.ndim == 2:
            return LabelScores(scores, labels, **options)
        return ClassScores(scores, labels, unseen=self.unseen, positive=self.positive, **options)

    def _evaluator(
        self,
        truth: AnyArray,
        codes: AnyArray | None,
        sources: Sequence[int],
        metric: str,
        part: int | None,
        scores: AnyArray,
    ) -> Evaluator:
        repeated, exact = repeat_labels(truth, len(scores)), exact_pairs(len(scores), len(truth))
        domains = None if codes is None else repeat_labels(codes, len(scores))
        view = self._view(scores, repeated, exact_pairs=exact, domains=domains, sources=sources)
        evaluator = Evaluator([all_metrics()[base_name(metric)]], view)
        return evaluator if part is None else evaluator.only(part, metric)

    def matched(self, reference: Self) -> Self:
        """See `Predictions.matched`: the same columns in the same order, under the same names; see `class_order`."""
        order = class_order(
            (self.class_keys, self.class_names), (reference.class_keys, reference.class_names)
        )  # fmt: skip
        names, keys = reference.class_names, reference.class_keys
        if np.array_equal(order, np.arange(len(order))):
            return replace(self, class_names=names, class_keys=keys)
        labels = self.labels
        if labels is not None:
            # The column that class i moves to; -1 stays -1.
            labels = labels[:, order] if labels.ndim == 2 else np.append(np.argsort(order), -1)[labels]
        return replace(
            self, labels=labels, scores=self.scores[:, order], class_names=names, class_keys=keys,
            unseen=tuple(np.flatnonzero(np.isin(order, self.unseen)).tolist()),
            positive=int(np.flatnonzero(order == self.positive)[0]) if self.positive < len(order) else 1,
            other_orders=tuple(scores[:, order] for scores in self.other_orders),
            choices=None if self.choices is None else self.choices.reordered(order),
            unknown_items=None if self.unknown_items is None else self.unknown_items.reordered(order),
            taxonomy=None if self.taxonomy is None else self.taxonomy.reordered(order),
            bands=tuple(self.bands[i] for i in order) if self.bands else (),
            checklists={
                region: tuple(np.flatnonzero(np.isin(order, classes)).tolist())
                for region, classes in self.checklists.items()
            },
        )  # fmt: skip

    def unlike(self, other: Self) -> list[str]:
        """See `Predictions.unlike`."""
        return other_names((self.class_keys, self.class_names), (other.class_keys, other.class_names))

    def examples(self) -> list[Example]:
        """See `Predictions.examples`; raises `DataError` where items have no labels."""
        return class_examples(self)

    def suspects(self) -> list[int]:
        """See `Predictions.suspects`: by confident learning, where an image has one label."""
        if self.labels is None or self.multi_label:
            return []
        return [int(i) for i in F.suspect_labels(softmax(self.scores), self.labels)]

    def answers(
        self, place: int, dataset: "Dataset | None" = None, row: int | None = None  # noqa: ARG002
    ) -> list[ScoredAnswer]:  # fmt: skip
        """See `Predictions.answers`: the most probable classes, and the true ones."""
        return class_answers(self, place)

    @property
    def probabilities(self) -> AnyArray:
        """Softmax of the scores, or sigmoid where multi-label, (n, n_classes)."""
        return sigmoid(self.scores) if self.multi_label else softmax(self.scores)

    def to_table(self) -> "pa.Table":
        """See `prediction_table`."""
        return table_of(self)

    @classmethod
    def from_table(cls, table: "pa.Table") -> Self:
        """See `Predictions.from_table`."""
        return cls(**values_of(table))

    def write(self, path: Path) -> None:
        """See `Predictions.write`; what choices were made on goes into `validation.parquet` beside it."""
        super().write(path)
        if self.validation is not None:
            self.validation.write(path.with_name(VALIDATION), self.class_names)
