"""The card of a classification dataset: one label an image, or several."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_tables import Language
from workbench.metrics import checklists, derived, prediction_sets, selective
from workbench.metrics import classification as of_classes
from workbench.metrics import decisions as of_decisions
from workbench.metrics import frequency as of_frequency
from workbench.metrics import hierarchy as of_hierarchy
from workbench.metrics import unknown as of_unknown
from workbench.metrics import unseen as of_unseen
from workbench.metrics.class_scores import ClassScores, LabelScores
from workbench.metrics.domains import ranked_metric
from workbench.metrics.metric import Metric
from workbench.metrics.registry import added_for, metric_named
from workbench.tasks.classification.card_decisions import DecisionTable

_SINGLE_LABEL = (
    "accuracy", "top5_accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision", "nll", "brier", "ece",
    "mcc",
)  # fmt: skip
_OF_EACH_SUBGROUP = ("sensitivity_at", "specificity_at", "positive_auroc", "set_coverage")
_MULTI_LABEL = ("auroc", "average_precision", "macro_f1", "micro_f1", "accuracy", "brier", "nll", "ece")


class ClassificationCard(DatasetCard):
    """Images with labels.

    Attributes:
        positive_class: Name or raw label of the class that `sensitivity` is about, or of several that are positive
            together; of two classes the second if it does not say.
        decisions: What is made of scores, and chosen on validation images.
        ranks: Of each rank above the classes, the lowest first, the taxon by class name or raw label.
        frequency: Below the first number of training images a class is of the tail, above the second of the head; see
            `workbench.metrics.frequency`.
        checklists: By region (`columns.region`) the classes that occur there, by name or raw label; names of what is no
            class of the dataset are passed over.
        checklists_file: CSV with the columns `region` and `label`, beside the data; adds to `checklists`.
    """

    is_default: ClassVar[bool] = True
    folder_column: ClassVar[str | None] = "label"
    usual_columns: ClassVar[tuple[str, ...]] = ("image", "label")
    labels_are_truth: ClassVar[bool] = True
    reads_items: ClassVar[bool] = False

    positive_class: str | tuple[str, ...] | None = None
    decisions: DecisionTable | None = None
    ranks: dict[str, dict[str, str]] = Field(default_factory=dict)
    frequency: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    checklists: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    checklists_file: str | None = None

    @model_validator(mode="after")
    def _unseen_classes_have_one_label(self) -> Self:
        for name in ("unseen", "unknown"):
            if getattr(self.splits, name) and self.multi_label:
                raise ValueError(f"splits.{name} is for classification with one label an image")
        return self

    @model_validator(mode="after")
    def _decisions_have_one_label(self) -> Self:
        if self.decisions is not None and self.multi_label:
            raise ValueError("[decisions] is for classification with one label an image")
        return self

    @model_validator(mode="after")
    def _ranks_and_frequency_agree(self) -> Self:
        named = bool(self.ranks or self.columns.ranks)
        if (named or self.frequency) and self.multi_label:
            raise ValueError("ranks and frequency are for classification with one label an image")
        if self.decisions is not None and self.decisions.backoff is not None and not named:
            raise ValueError("decisions.backoff needs ranks to back off to: columns.ranks, or [ranks]")
        if self.frequency is not None and self.frequency[0] > self.frequency[1]:
            raise ValueError("frequency = [few, many] needs few up to many")
        return self

    @model_validator(mode="after")
    def _checklists_have_regions(self) -> Self:
        listed = bool(self.checklists) or self.checklists_file is not None
        if listed != (self.columns.region is not None):
            raise ValueError("columns.region goes with the classes of each region, in checklists or checklists_file")
        if (listed or self.columns.observation) and self.multi_label:
            raise ValueError("checklists and columns.observation are for classification with one label an image")
        return self

    @property
    def taxa_by_rank(self) -> Mapping[str, Mapping[str, str]]:
        """See `DatasetCard.taxa_by_rank`."""
        return self.ranks

    def measured(self) -> tuple[Metric, ...]:
        """See `DatasetCard.measured`."""
        if self.multi_label:
            return (
                *map(metric_named, _MULTI_LABEL), *self._over_domains(_MULTI_LABEL), *added_for(LabelScores),
                *of_classes.CLASS_METRICS, *self._of_subgroups(_MULTI_LABEL),
            )  # fmt: skip
        split = of_unseen.METRICS if self.splits.unseen else ()
        split += of_unknown.METRICS if self.splits.unknown else ()
        two = (of_classes.SENSITIVITY, of_classes.SPECIFICITY)
        split += tuple(self._of_fields())
        on_request = (of_classes.QUADRATIC_KAPPA, *of_classes.CLASS_METRICS, *selective.METRICS)
        decided = self._of_decisions()
        subgroups = self._of_subgroups([*_SINGLE_LABEL, *(metric.name for metric in decided)])
        over_domains = self._over_domains(_SINGLE_LABEL)
        return (
            *map(metric_named, _SINGLE_LABEL), *split, *over_domains, *two, *decided, *subgroups, *on_request,
            *added_for(ClassScores),
        )  # fmt: skip

    def _of_fields(self) -> Iterator[Metric]:
        """What follows from ranks, frequencies, observations and checklists."""
        if self.ranks or self.columns.ranks:
            yield from of_hierarchy.METRICS
        for metric in of_frequency.METRICS:
            yield replace(metric, only_on_request=self.frequency is None)
        if self.columns.region is not None:
            yield from checklists.METRICS
        beginnings = (
            *((derived.REGIONAL,) if self.columns.region is not None else ()),
            *((derived.OBSERVATION,) if self.columns.observation is not None else ()),
        )
        for metric in derived.METRICS:
            if metric.name.startswith(beginnings):
                yield replace(metric, only_on_request=False)

    def _over_domains(self, names: Sequence[str]) -> Iterator[Metric]:
        """Of the metric that ranks runs, and of the task's first, always; of the others on request."""
        if not self.names_domains:
            return
        ranks = ranked_metric(self.primary_metric)
        for metric in of_classes.DOMAIN_METRICS:
            base = ranked_metric(metric.name)
            if base in names:
                yield replace(metric, only_on_request=base not in {names[0], ranks})

    def _of_decisions(self) -> tuple[Metric, ...]:
        """What follows from `[decisions]`."""
        if self.decisions is None:
            return ()
        found = list(of_decisions.METRICS)
        if self.decisions.coverage is not None:
            found += prediction_sets.METRICS
            found += prediction_sets.DOMAIN_METRICS if self.names_domains else ()
        names = {metric.name for metric in derived.METRICS}
        if self.decisions.calibration is not None:
            found += [metric_named(name) for name in sorted(names) if name.startswith(derived.UNCALIBRATED)]
        if self.decisions.join is not None and self.columns.observation is None:
            found += [metric_named(name) for name in sorted(names) if name.startswith(derived.GROUP)]
        return tuple(replace(metric, only_on_request=False) for metric in found)

    def _of_subgroups(self, names: Sequence[str]) -> Iterator[Metric]:
        """Of the metric that ranks runs, of the task's first and of decisions, always; of the others on request."""
        if not self.columns.subgroups:
            return
        usual = {names[0], self.primary_metric, *_OF_EACH_SUBGROUP}
        for metric in derived.METRICS:
            base = derived.base_of(metric.name)
            if base is not None and base.way in {"subgroup", "over subgroups"} and ranked_metric(base.metric) in names:
                yield replace(metric, only_on_request=ranked_metric(base.metric) not in usual)

    @property
    def least_classes(self) -> int:
        """See `DatasetCard.least_classes`."""
        return 1 if self.multi_label else 2

    def fingerprint_parts(self) -> list[Any]:
        """See `DatasetCard.fingerprint_parts`."""
        positive: list[Any] = [] if self.positive_class is None else [["positive", self.positive_class]]
        positive += [] if self.frequency is None else [["frequency", self.frequency]]
        positive += [["checklists", self.checklists]] if self.checklists else []
        table = self.decisions
        if table is None:
            return positive
        # `known` decides nothing where all classes are.
        without = set() if self.splits.unknown else {"known"}
        without |= {"backoff"} if table.backoff is None else set()
        values = table.model_dump(mode="json", exclude=without)
        return [*positive, ["decisions", values]]

    def language_lacks(self, language: Language) -> str | None:
        """See `DatasetCard.language_lacks`."""
        if language.templates and (language.classes or not self.columns.label):
            return None
        return "templates and classes, since names of another language would be mixed in"
