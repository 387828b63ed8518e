"""The dataset card: everything the engine must know about a dataset, in one TOML file."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, field_validator, model_validator

from workbench.datasets._spelling import spelt_as_name
from workbench.datasets.card_sources import AnySource, Section, table_class
from workbench.errors import CardError
from workbench.inputs import parse_toml, read_text
from workbench.metrics.names import metrics_of
from workbench.metrics.registry import base_name
from workbench.registry import closest
from workbench.tasks.choices import Form
from workbench.validation import explain

if TYPE_CHECKING:
    from workbench.datasets.sources import Source

Task = Literal["classification", "retrieval", "matching", "grounding", "captioning"]
_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$"


def _check_name(name: str) -> str:
    if not spelt_as_name(name) or spelt_as_name(f"{name}0") != f"{name}0":
        raise ValueError(
            "expected letters of any script (lower case where it has one), digits, '.', '_' and '-', a letter or digit "
            f"first; got {name!r}"
        )
    return name


class Columns(Section):
    """Names of the source's columns. None means the dataset has none.

    Attributes:
        negatives: Matching: wrong texts of an image; see `workbench.datasets.items`.
        kind: Matching and grounding: the kind of an item.
        pair: Matching: two rows with the same value are a pair of images with a caption each.
        second_image: Matching, sources that can (`Source.second_images`): the other image of a pair, where a row holds
            both.
        second_caption: Its caption.
        boxes: Grounding: candidate boxes of an image.
        instruction: Grounding: the sentence, or sentences, that mean a box.
        answer: Grounding: index of the box that is meant, or indices where several will do.
    """

    image: str = "image"
    label: str | None = None
    caption: str | None = None
    group: str | None = None
    split: str | None = None
    id: str | None = None
    negatives: str | None = None
    kind: str | None = None
    pair: str | None = None
    second_image: str | None = None
    second_caption: str | None = None
    boxes: str | None = None
    instruction: str | None = None
    answer: str | None = None

    @property
    def matching_form(self) -> Form:
        """What the items of a matching card are."""
        if self.negatives is not None:
            return "choice"
        return "statement" if self.pair is None else "pairs"


class Splits(Section):
    """What the source calls its splits. A missing test or val is made from train, stratified, by group, seeded.

    Attributes:
        by: `class` makes all splits anew, so that no class stands in two of them; a class is a group then.
        fold: With `by = "class"`, instead of `test_fraction`: [k, n], test has the k-th of n parts of the classes.
        unseen: Classes that only test has: their names, or their share of all classes (seeded). Training and validation
            images of them are left out.
    """

    train: str | None = "train"
    val: str | None = "val"
    test: str | None = "test"
    seed: int = 0
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    val_fraction: float = Field(default=0.15, gt=0, lt=1)
    by: Literal["image", "class"] = "image"
    fold: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=2)]] | None = None
    unseen: Annotated[float, Field(gt=0, lt=1)] | tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _three_different(self) -> Self:
        named = [getattr(self, name) for name in sorted(self.model_fields_set & {"train", "val", "test"})]
        twice = next((name for name in named if name is not None and named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is named for two splits; they must be different images")
        if self.fold is not None and (self.by != "class" or self.fold[0] > self.fold[1]):
            raise ValueError("splits.fold = [k, n] needs by = 'class' and k of 1..n")
        return self


class Prompts(Section):
    """How class names become sentences.

    Attributes:
        templates: Each holds `{}` for the class name once; the first is the single template.
        descriptions: Class name to sentences that describe it.
        descriptions_file: CSV with columns `label` and `text`, beside the data; adds to `descriptions`.
    """

    templates: tuple[str, ...] = ("a photo of a {}.",)
    descriptions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    descriptions_file: str | None = None

    @field_validator("templates")
    @classmethod
    def _one_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        if not templates:
            raise ValueError("expected at least one template")
        return _checked_templates(templates)


def _checked_templates(templates: tuple[str, ...]) -> tuple[str, ...]:
    wrong = next((t for t in templates if t.count("{}") != 1), None)
    if wrong is not None:
        raise ValueError(f"every template needs the class name's place `{{}}` exactly once, got {wrong!r}")
    return templates


class Language(Section):
    """What a card says in a further language. Nothing of the card's own language fills a gap.

    Attributes:
        classes: Raw label to class name; every class must have one.
        templates: As in `Prompts`.
        descriptions: As in `Prompts`.
        descriptions_file: As in `Prompts`.
        columns: The columns that hold `caption`, `second_caption`, `negatives` or `instruction` in this language.
    """

    classes: dict[str, str] = Field(default_factory=dict)
    templates: tuple[str, ...] = ()
    descriptions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    descriptions_file: str | None = None
    columns: dict[Literal["caption", "second_caption", "negatives", "instruction"], str] = Field(default_factory=dict)

    @field_validator("templates")
    @classmethod
    def _one_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_templates(templates)


class Regions(Section):
    """How candidate boxes become images.

    Attributes:
        format: Left, top, right, bottom (`xyxy`), or left, top, width, height (`xywh`), in pixels of the upright image.
        context: What surrounds a candidate: nothing (`crop`), the image blurred (`blur`), or the image as it is with an
            ellipse about the candidate (`circle`).
        margin: By how much of its width and height a box is widened on each side.
    """

    format: Literal["xyxy", "xywh"] = "xyxy"
    context: Literal["crop", "blur", "circle"] = "crop"
    margin: float = Field(default=0.1, ge=0, le=2)


class DatasetCard(Section):
    """A dataset, described.

    Attributes:
        name: Registered name: letters of any script, lower case where it has one, digits, `.`, `_` and `-`.
        field: `medical`, `botany`, `robotics` or another; an open list.
        task: The task its primary metric belongs to.
        multi_label: Several labels per image; the label column is a list or text separated by `label_separator`.
        classes: Raw label to class name, in class order; empty means the sorted raw labels name themselves.
        primary_metric: The metric that ranks runs, as in the run record (`accuracy`, `auroc`, ...). A card that
            does not say has the task's first, see `workbench.metrics.names.metrics_of`.
        protocol: Which published protocol and split the numbers are comparable to, or that they are not.
        verified: Whether the source has been read by this card as it stands.
        language: Of the card's names, templates, descriptions and captions (`en`, `ja`, `pt-BR`).
        languages: The same in further languages; see `workbench.datasets.languages`.
    """

    name: Annotated[str, AfterValidator(_check_name)]
    title: str = ""
    description: str = ""
    field: str = "unspecified"
    task: Task = "classification"
    multi_label: bool = False
    label_separator: str = "|"
    source: AnySource
    columns: Columns = Columns()
    splits: Splits = Splits()
    classes: dict[str, str] = Field(default_factory=dict)
    prompts: Prompts = Prompts()
    regions: Regions | None = None
    primary_metric: str = Field(default_factory=lambda known: _metrics(**known)[0])
    protocol: str = "not comparable to a published protocol"
    licence: str = "unknown"
    citation: str = ""
    homepage: str = ""
    verified: bool = True
    language: str = Field(default="en", pattern=_LANGUAGE)
    languages: dict[Annotated[str, Field(pattern=_LANGUAGE)], Language] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _task_has_its_column(self) -> Self:
        columns, prompts = self.columns, self.prompts
        described = columns.label is not None and bool(prompts.descriptions or prompts.descriptions_file)
        if self.task == "retrieval" and columns.caption is None and not described:
            raise ValueError(
                "task 'retrieval' needs columns.caption, or columns.label with descriptions of the classes in [prompts]"
            )
        if self.task == "captioning" and columns.caption is None:
            raise ValueError("task 'captioning' needs columns.caption")
        if self.task == "matching" and columns.negatives is None:
            if columns.caption is None:
                raise ValueError("task 'matching' needs columns.negatives or columns.caption")
            if columns.label is None and columns.pair is None:
                raise ValueError(
                    "task 'matching' needs, besides columns.caption, columns.negatives (wrong texts), columns.label "
                    "(true or false) or columns.pair (images in pairs)"
                )
        if columns.second_image is not None and (columns.pair is None or not kind_of(self).second_images):
            raise ValueError(
                "columns.second_image needs columns.pair and a source that reads two images of a row (hub)"
            )
        missing = [name for name in ("boxes", "instruction") if getattr(columns, name) is None]
        if self.task == "grounding" and missing:
            raise ValueError(f"task 'grounding' needs columns.{missing[0]}")
        if self.splits.by == "class" and columns.label is None:
            raise ValueError("splits.by = 'class' needs columns.label")
        if self.splits.unseen is not None and (self.task != "classification" or self.multi_label):
            raise ValueError("splits.unseen is for classification with one label an image")
        return self

    @model_validator(mode="after")
    def _metric_is_one_of_the_task(self) -> Self:
        known = _metrics(self.task, self.multi_label, self.columns, self.splits)
        if base_name(self.primary_metric) not in known:
            raise ValueError(
                f"primary_metric {self.primary_metric!r} is not measured on this dataset."
                f"{closest(self.primary_metric, known)} These are: {', '.join(known)}"
            )
        return self


def _metrics(task: Task, multi_label: bool, columns: Columns, splits: Splits, **_: object) -> tuple[str, ...]:
    return metrics_of(task, multi_label=multi_label, unseen=splits.unseen is not None, form=columns.matching_form)


def parse_card(text: str, origin: str) -> DatasetCard:
    """Validate a card.

    Args:
        text: TOML.
        origin: File or package that the text came from, for messages.

    Raises:
        CardError: Names `origin`, the key, what was expected, and the nearest known key for a typo.
    """
    values = parse_toml(text, origin, CardError)
    try:
        return DatasetCard.model_validate(values)
    except ValidationError as error:
        raise CardError(f"{origin}: {explain(error, DatasetCard, _chosen(values))}") from error


def _chosen(values: dict[str, Any]) -> dict[str, type[BaseModel]]:
    """What checks the table `[source]`, where it says so."""
    with suppress(ValidationError):
        return {"source": table_class(values.get("source"))}
    return {}


def kind_of(card: DatasetCard) -> "type[Source]":
    """The kind of source that a card names.

    Raises:
        WorkbenchError: It is not installed, or broken.
    """
    from workbench.datasets.sources import sources

    return sources.get(card.source.type)


def read_card(path: Path) -> DatasetCard:
    """Read and validate a card file; raises `CardError`."""
    return parse_card(read_text(path, CardError), str(path))
