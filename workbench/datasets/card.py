"""The dataset card: everything the engine must know about a dataset, in one TOML file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from workbench.arrays import AnyArray
from workbench.datasets._spelling import spelt_as_name
from workbench.datasets.card_corruptions import Corruptions
from workbench.datasets.card_dicom import DicomTags
from workbench.datasets.card_headings import FIELD, LANGUAGE, LICENCE
from workbench.datasets.card_labels import LabelTable, label_faults
from workbench.datasets.card_pixels import Pixels
from workbench.datasets.card_sources import AnySource, Section
from workbench.datasets.card_tables import Columns, Language, Privacy, Prompts, Splits
from workbench.errors import DataError
from workbench.metrics.metric import Metric
from workbench.metrics.registry import all_metrics, base_name
from workbench.registry import closest

if TYPE_CHECKING:
    from workbench.datasets.dataset import Dataset
    from workbench.datasets.sources import Source

_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$"


def _check_name(name: str) -> str:
    if not spelt_as_name(name) or spelt_as_name(f"{name}0") != f"{name}0":
        raise ValueError(
            "expected letters of any script (lower case where it has one), digits, '.', '_' and '-', a letter or digit "
            f"first; got {name!r}"
        )
    return name


@dataclass
class ItemFaults:
    """Faults of the items of a dataset.

    Attributes:
        unfit: Reasons why a run would refuse rows, a sentence each.
        unanswerable: Items that no model can get right.
        boxes: Number of boxes.
        boxes_beyond: Boxes that reach past the edges of their image.
    """

    unfit: list[str] = dataclass_field(default_factory=list)
    unanswerable: list[str] = dataclass_field(default_factory=list)
    boxes: int = 0
    boxes_beyond: list[str] = dataclass_field(default_factory=list)

    @contextmanager
    def noted(self, dataset: str) -> Iterator[None]:
        """Note an error that a run would raise, instead of raising it."""
        try:
            yield
        except DataError as error:
            self.unfit.append(str(error).removeprefix(f"dataset {dataset!r}: "))


class DatasetCard(Section):
    """A dataset, described. Each task has a subclass, with the columns and rules of its own.

    Attributes:
        is_default: Whether a card that names no task is of this one.
        folder_column: A folder without a card whose images have this column is taken for this task.
        usual_columns: Keys whose column is taken by its usual name where the card names none.
        labels_are_truth: Whether an image's labels are the truth of the task; every image needs one, and a copy with
            another label is a mistake.
        merges_captions: Whether rows of the same image are one image with all their captions.
        without_caption: The treatment of images without a caption, in words; empty where the task needs no captions.
        reads_items: Whether a row's other columns are part of the task.
        makes_splits: Whether splits that the source lacks are made.
        name: Registered name: letters of any script, lower case where it has one, digits, `.`, `_` and `-`.
        field: `medical`, `botany`, `robotics` or another; an open list.
        task: The dataset's task.
        multi_label: Several labels per image; the label column is a list or text separated by `label_separator`.
        classes: Raw label to class name, in class order; empty means the sorted raw labels name themselves.
        primary_metric: The metric that ranks runs, as in the run record (`accuracy`, `auroc`, ...). A card that
            does not say has the task's first.
        metrics: Further metrics to compute, of those that are computed on request alone.
        protocol: Which published protocol and split the numbers are comparable to, or that they are not.
        verified: Whether the source has been read by this card as it stands.
        language: Of the card's names, templates, descriptions and captions (`en`, `ja`, `pt-BR`).
        languages: The same in further languages; see `workbench.datasets.languages`.
    """

    is_default: ClassVar[bool] = False
    folder_column: ClassVar[str | None] = None
    usual_columns: ClassVar[tuple[str, ...]] = ("image",)
    labels_are_truth: ClassVar[bool] = False
    merges_captions: ClassVar[bool] = False
    without_caption: ClassVar[str] = ""
    reads_items: ClassVar[bool] = True
    makes_splits: ClassVar[bool] = True

    name: Annotated[str, AfterValidator(_check_name)]
    title: str = ""
    description: str = ""
    field: str = FIELD
    task: str
    multi_label: bool = False
    label_separator: str = "|"
    source: AnySource
    columns: Columns = Columns()
    splits: Splits = Splits()
    pixels: Pixels = Pixels()
    dicom: DicomTags = DicomTags()
    labels: LabelTable = LabelTable()
    corruptions: Corruptions = Corruptions()
    privacy: Privacy = Privacy()
    classes: dict[str, str] = Field(default_factory=dict)
    prompts: Prompts = Prompts()
    primary_metric: str = ""
    metrics: tuple[str, ...] = ()
    protocol: str = "not comparable to a published protocol"
    licence: str = LICENCE
    citation: str = ""
    homepage: str = ""
    verified: bool = True
    language: str = Field(default=LANGUAGE, pattern=_LANGUAGE)
    languages: dict[Annotated[str, Field(pattern=_LANGUAGE)], Language] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _labels_agree(self) -> Self:
        fault = label_faults(self)
        if fault is not None:
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _splits_have_their_column(self) -> Self:
        if self.splits.by == "class" and self.columns.label is None:
            raise ValueError("splits.by = 'class' needs columns.label")
        if self.splits.domain_pattern is not None and self.columns.domain is not None:
            raise ValueError(
                "columns.domain and splits.domain_pattern are two ways to say the domains; name one of them"
            )
        if self.splits.by == "domain" and self.columns.domain is None and self.splits.domain_pattern is None:
            raise ValueError("splits.by = 'domain' needs columns.domain, or splits.domain_pattern")
        if self.corruptions.kinds and (self.columns.domain is not None or self.splits.domain_pattern is not None):
            raise ValueError("[corruptions] makes domains; take columns.domain and splits.domain_pattern out")
        if self.corruptions.kinds and not self.labels_are_truth:
            raise ValueError(f"[corruptions] is for classification; task {self.task!r} is not measured by domain")
        if self.splits.group_pattern is not None and self.columns.group is not None:
            raise ValueError("columns.group and splits.group_pattern are two ways to say the groups; name one of them")
        if self.splits.unknown and not self.labels_are_truth:
            raise ValueError(f"splits.unknown is for classification; task {self.task!r} asks for no class")
        if self.columns.second is not None and not kind_of(self).second_images:
            raise ValueError(
                "columns.second_image needs columns.pair and a source that reads two images of a row (hub)"
            )
        return self

    @model_validator(mode="after")
    def _negatives_are_of_labels(self) -> Self:
        if self.prompts.negative_templates and not self.multi_label:
            raise ValueError("prompts.negative_templates say that a label is absent; they need multi_label = true")
        return self

    @model_validator(mode="after")
    def _metrics_are_measured(self) -> Self:
        measured = [metric.name for metric in self.measured()]
        # Tables and comparisons know a metric by its name alone.
        stray = next((name for name in measured if name not in all_metrics()), None)
        if stray is not None:
            raise ValueError(
                f"task {self.task!r} measures {stray!r}, which no package registers under workbench.metrics; "
                "register the metric there"
            )
        if not measured:
            return self
        if not self.primary_metric:
            object.__setattr__(self, "primary_metric", measured[0])
        for key, names in (("primary_metric", (self.primary_metric,)), ("metrics", self.metrics)):
            for name in names:
                if base_name(name) not in measured:
                    raise ValueError(
                        f"{key} {name!r} is not measured on this dataset.{closest(name, measured)} "
                        f"These are: {', '.join(measured)}"
                    )
        return self

    @model_validator(mode="after")
    def _languages_have_known_columns(self) -> Self:
        for name, language in self.languages.items() if self.reads_items else ():
            stray = next((key for key in language.columns if key not in self.columns.texts), None)
            if stray is not None:
                raise ValueError(
                    f"languages.{name}.columns has {stray!r}.{closest(stray, self.columns.texts)} "
                    f"Columns of texts are: {', '.join(self.columns.texts)}"
                )
        return self

    @property
    def detections(self) -> tuple[str, float] | None:
        """A file of a detector's boxes that are added to the images' columns, and the least score; None without one."""
        return None

    @property
    def names_domains(self) -> bool:
        """Whether it says which domains images are of."""
        named = (self.columns.domain, self.splits.domain_pattern)
        return any(name is not None for name in named) or bool(self.corruptions.kinds)

    def measured(self) -> tuple[Metric, ...]:
        """The metrics of a run on this dataset, the one that ranks runs first; those on request are last."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is measured.")

    @property
    def run_metrics(self) -> tuple[Metric, ...]:
        """The metrics that a run computes: all but those on request that the card does not name."""
        named = {base_name(name) for name in (self.primary_metric, *self.metrics)}
        return tuple(metric for metric in self.measured() if not metric.only_on_request or metric.name in named)

    @property
    def least_classes(self) -> int:
        """The least number of classes."""
        return 0

    @property
    def captions_are_descriptions(self) -> bool:
        """Whether the captions of an image are the descriptions of its classes."""
        return False

    @property
    def taxa_by_rank(self) -> Mapping[str, Mapping[str, str]]:
        """Of each rank that the card itself writes, the lowest first, the taxon by class name or raw label."""
        return {}

    def fingerprint_parts(self) -> list[Any]:
        """Further parts of the card that determine results."""
        return []

    def language_lacks(self, language: Language) -> str | None:  # noqa: ARG002
        """The parts that a further language lacks besides its columns, in words; None where it lacks none."""
        return None

    def in_words(self, dataset: "Dataset", rows: Sequence[int] | AnyArray) -> list[str]:
        """The labels or captions of some images of an open dataset, for people who look at them."""
        labels = dataset.labels(rows)
        hot = labels if labels.ndim == 2 else labels[:, None] == np.arange(len(dataset.class_names))
        classes = [", ".join(dataset.class_names[i] for i in np.flatnonzero(names)) for names in hot]
        return [
            names or unknown or " / ".join(image_captions)
            for names, unknown, image_captions in zip(
                classes, dataset.unknown_names(rows), dataset.captions(rows), strict=True
            )
        ]

    def item_faults(self, dataset: "Dataset") -> ItemFaults:  # noqa: ARG002
        """Read all items of an open dataset, as a run does, but to the end."""
        return ItemFaults()


def kind_of(card: DatasetCard) -> "type[Source]":
    """The kind of source that a card names.

    Raises:
        WorkbenchError: It is not installed, or broken.
    """
    from workbench.datasets.sources import sources

    return sources.get(card.source.type)
