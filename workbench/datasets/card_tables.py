"""The tables of a dataset card: columns, splits, prompts, further languages."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from workbench.datasets.card_sources import Section, SplitName
from workbench.datasets.named_templates import named_templates


class Columns(Section):
    """Names of the source's columns. None means the dataset has none. Tasks add their own.

    Attributes:
        of_items: Keys whose columns are left in a row for the items that are made from it.
        texts: Keys whose columns hold texts, which differ from language to language.
        labels: A column for each finding instead of one for labels: 1, 0, -1 for uncertain, or empty.
        domain: Hospital, scanner, site, season, camera: what images may differ by from those that a model is used on.
        subgroups: Sex, age band, scanner: columns whose values are subgroups that a run is measured in.
        ranks: Genus, family, order: columns with the taxon of each image's class, the lowest rank first.
        observation: What several photographs are of, a plant or an animal at one time: they are answered together. It
            is the group, too, where the card names none; else it is a part of one group.
        region: Where an image was taken, for the lists of classes that occur there.
    """

    of_items: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[str, ...]] = ("caption",)

    image: str = "image"
    label: str | None = None
    labels: tuple[str, ...] = ()
    caption: str | None = None
    group: str | None = None
    domain: str | None = None
    subgroups: tuple[str, ...] = ()
    ranks: tuple[str, ...] = ()
    observation: str | None = None
    region: str | None = None
    split: str | None = None
    id: str | None = None

    @property
    def together(self) -> str | None:
        """Column of units that no made split may divide, besides the group."""
        return None

    @property
    def second(self) -> tuple[str, str | None] | None:
        """Columns of the image and the caption of a second record that a row of a Hub source holds."""
        return None


class Splits(Section):
    """The source's names of its splits. A missing test or val is made from train, stratified, by group, seeded.

    Attributes:
        by: `class` makes all splits anew, so that no class stands in two of them; a class is a group then. `group`
            makes them anew by the groups. `domain` makes the domains in `target` test, and all others train and
            validation.
        target: The domains of test, with `by = "domain"`.
        in_domain_test: With `by = "domain"`: the source's own test images of other domains stay in test, so that the
            gap between domains is measured. Where the source has none, they are made.
        domain_pattern: As `group_pattern`, for domains.
        unlabelled: With `by = "domain"`, the share of the target's images that are kept apart from test, by groups, for
            recipes that adapt to images without labels.
        groups: A table with the columns `id` and `group`, beside the card or the data, whose groups take the place of
            those in `columns.group`; `workbench check --group-duplicates` writes one.
        file: A file of published splits, or one for each split, beside the card or the data: CoOp's JSON, or 2SFS's
            JSONL; see `workbench.datasets.split_table`. Images that it does not list are left out.
        fold: With `by = "class"`, instead of `test_fraction`: [k, n], test has the k-th of n parts of the classes.
        unseen: Classes that only test has: their names, or their share of all classes (seeded). Training and validation
            images of them are left out.
        unknown: As `unseen`, of classes that recipes are not even told of: test asks whether their images are found to
            be of none of the others.
        group_pattern: A regular expression that is searched in the name of each image (its id, by default its path).
            What its parentheses find, joined by `/`, is the image's group: frames of one video, photos of one tree.
    """

    train: str | None = "train"
    val: str | None = "val"
    test: str | None = "test"
    seed: int = 0
    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    val_fraction: float = Field(default=0.15, gt=0, lt=1)
    by: Literal["image", "class", "group", "domain"] = "image"
    target: tuple[str, ...] = ()
    in_domain_test: bool = False
    groups: str | None = None
    file: str | dict[SplitName, str] | None = None
    fold: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=2)]] | None = None
    unseen: Annotated[float, Field(gt=0, lt=1)] | tuple[str, ...] | None = None
    unknown: Annotated[float, Field(gt=0, lt=1)] | tuple[str, ...] | None = None
    group_pattern: str | None = None
    domain_pattern: str | None = None
    unlabelled: float = Field(default=0.0, ge=0, lt=1)

    @field_validator("group_pattern", "domain_pattern")
    @classmethod
    def _has_a_part_for_the_name(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            parts = re.compile(pattern).groups
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"{pattern!r} is no regular expression ({error})") from error
        if not parts:
            raise ValueError(rf"{pattern!r} has no part in parentheses; put what names it into ( ), as in '(clip\d+)_'")
        return pattern

    @model_validator(mode="after")
    def _three_different(self) -> Self:
        named = [getattr(self, name) for name in sorted(self.model_fields_set & {"train", "val", "test"})]
        twice = next((name for name in named if name is not None and named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is named for two splits; they must be different images")
        if self.fold is not None and (self.by != "class" or self.fold[0] > self.fold[1]):
            raise ValueError("splits.fold = [k, n] needs by = 'class' and k of 1..n")
        if (self.by == "domain") != bool(self.target):
            raise ValueError("splits.by = 'domain' and splits.target, the domains that test has, go together")
        if self.in_domain_test and self.by != "domain":
            raise ValueError("splits.in_domain_test needs by = 'domain'")
        if self.unlabelled and self.by != "domain":
            raise ValueError(
                "splits.unlabelled goes with by = 'domain'; else the unlabelled images are those of the train split"
            )
        stray = next((key for key in ("groups", "group_pattern") if getattr(self, key) is not None), None)
        if stray is not None and self.by == "class":
            raise ValueError(f"with splits.by = 'class' a class is a group; take splits.{stray} out")
        if self.file is not None and self.by != "image":
            raise ValueError(f"splits.file says which images are of which split, and so does splits.by = {self.by!r}")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the tables that say splits and groups."""
        files = self.file.values() if isinstance(self.file, dict) else [self.file]
        return tuple(name for name in (self.groups, *files) if name)


class Privacy(Section):
    """What runs on the dataset record.

    Attributes:
        hash_ids: Runs record pseudonyms in place of ids, groups and names of files; see `workbench.pseudonyms`.
    """

    hash_ids: bool = False


class Prompts(Section):
    """Templates and descriptions that make sentences of class names.

    Attributes:
        source: `repository` reads the names of classes and the templates that lie with the data, as the WebDataset
            repositories `clip-benchmark/wds_*` have them, where the card has none of its own. A card writes it `from`.
        templates: Each holds `{}` for the class name once; the first is the single template. A name stands for a
            published list, see `workbench.datasets.named_templates`.
        negative_templates: Templates that say that a label is absent (`no {}.`), for several labels an image.
        names: Class name to what stands for it in templates, where that is another; several may share one.
        descriptions: Class name to sentences that describe it.
        descriptions_file: CSV with columns `label` and `text`, beside the data; adds to `descriptions`.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=False)

    source: Literal["repository"] | None = Field(default=None, alias="from")
    templates: tuple[str, ...] = ("a photo of a {}.",)
    negative_templates: tuple[str, ...] = ()
    names: dict[str, str] = Field(default_factory=dict)
    descriptions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    descriptions_file: str | None = None

    @field_validator("templates", mode="before")
    @classmethod
    def _named(cls, templates: Any) -> Any:
        return named_templates(templates) if isinstance(templates, str) else templates

    @field_validator("templates")
    @classmethod
    def _at_least_one(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        if not templates:
            raise ValueError("expected at least one template")
        return templates

    @field_validator("templates", "negative_templates")
    @classmethod
    def _one_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_templates(templates)


def _checked_templates(templates: tuple[str, ...]) -> tuple[str, ...]:
    wrong = next((t for t in templates if t.count("{}") != 1), None)
    if wrong is not None:
        raise ValueError(f"every template needs the class name's place `{{}}` exactly once, got {wrong!r}")
    return templates


class Language(Section):
    """A card's texts in a further language. Nothing of the card's own language fills a gap.

    Attributes:
        classes: Raw label to class name; every class must have one.
        templates: As in `Prompts`.
        negative_templates: As in `Prompts`.
        descriptions: As in `Prompts`.
        descriptions_file: As in `Prompts`.
        columns: The columns that hold texts (`caption`, ...) in this language.
    """

    classes: dict[str, str] = Field(default_factory=dict)
    templates: tuple[str, ...] = ()
    negative_templates: tuple[str, ...] = ()
    descriptions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    descriptions_file: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)

    @field_validator("templates", "negative_templates")
    @classmethod
    def _one_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        return _checked_templates(templates)
