"""The card of a classification dataset: one label an image, or several."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import model_validator

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_tables import Language
from workbench.metrics import classification as of_classes
from workbench.metrics import unseen as of_unseen
from workbench.metrics.class_scores import ClassScores, LabelScores
from workbench.metrics.domains import ranked_metric
from workbench.metrics.metric import Metric
from workbench.metrics.registry import added_for, metric_named

_SINGLE_LABEL = (
    "accuracy", "top5_accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision", "nll", "brier", "ece",
    "mcc",
)  # fmt: skip
_MULTI_LABEL = ("auroc", "average_precision", "macro_f1", "micro_f1", "accuracy", "brier", "nll", "ece")


class ClassificationCard(DatasetCard):
    """Images with labels.

    Attributes:
        positive_class: Name or raw label of the class that `sensitivity` is about, where there are two; the second
            class if it does not say.
    """

    is_default: ClassVar[bool] = True
    folder_column: ClassVar[str | None] = "label"
    usual_columns: ClassVar[tuple[str, ...]] = ("image", "label")
    labels_are_truth: ClassVar[bool] = True
    reads_items: ClassVar[bool] = False

    positive_class: str | None = None

    @model_validator(mode="after")
    def _unseen_classes_have_one_label(self) -> Self:
        if self.splits.unseen is not None and self.multi_label:
            raise ValueError("splits.unseen is for classification with one label an image")
        return self

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        if self.multi_label:
            return (*map(metric_named, _MULTI_LABEL), *self._over_domains(_MULTI_LABEL), *added_for(LabelScores))
        split = of_unseen.METRICS if self.splits.unseen is not None else ()
        two = (of_classes.SENSITIVITY, of_classes.SPECIFICITY)
        on_request = (of_classes.QUADRATIC_KAPPA,)
        over_domains = self._over_domains(_SINGLE_LABEL)
        return (
            *map(metric_named, _SINGLE_LABEL), *split, *over_domains, *two, *on_request, *added_for(ClassScores)
        )  # fmt: skip

    def _over_domains(self, names: Sequence[str]) -> Iterator[Metric]:
        """Of the metric that ranks runs, and of the task's first, always; of the others on request."""
        if not self.names_domains:
            return
        ranks = ranked_metric(self.primary_metric)
        for metric in of_classes.DOMAIN_METRICS:
            base = ranked_metric(metric.name)
            if base in names:
                yield replace(metric, only_on_request=base not in {names[0], ranks})

    @property
    def least_classes(self) -> int:
        """See `DatasetCard.least_classes`."""
        return 1 if self.multi_label else 2

    def fingerprint_parts(self) -> list[Any]:
        """See `DatasetCard.fingerprint_parts`."""
        return [] if self.positive_class is None else [["positive", self.positive_class]]

    def language_lacks(self, language: Language) -> str | None:
        """See `DatasetCard.language_lacks`."""
        if language.templates and (language.classes or not self.columns.label):
            return None
        return "templates and classes, since names of another language would be mixed in"
