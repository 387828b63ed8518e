"""The findings of a check, as values and as text for the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from workbench.datasets.roles import ROLES
from workbench.formatting import counted
from workbench.metrics.power import SmallestDifference

_SHOWN = 10


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be decoded."""

    id: str
    split: str
    reason: str


@dataclass(frozen=True)
class Copies:
    """Images with equal bytes."""

    ids: tuple[str, ...]
    splits: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class NearPair:
    """Two images of different splits that look alike; `similarity` is their thumbnails' correlation."""

    first: str
    first_split: str
    second: str
    second_split: str
    similarity: float


@dataclass(frozen=True)
class CheckReport:
    """The findings of `check_dataset`.

    Attributes:
        dataset: The dataset's name.
        images: Split to number of images.
        class_counts: Split to class name to number of images.
        unreadable: Images that cannot be decoded.
        empty_classes: Classes without an image in any split.
        untrained_classes: Classes with images, but none for training.
        untested_classes: Classes with images, but none for testing.
        copies_across_splits: Images with equal bytes in different splits.
        copies_with_other_labels: Images with equal bytes and different labels, in any split.
        copies_within_splits: Number of images that repeat an earlier one of their own split.
        near_duplicates: Pairs across splits that look alike, most alike first; at most 1000.
        near_duplicate_count: How many such pairs there are.
        duplicate_groups: Image id to group: images have one group if they are equal, look alike, or are of one group of
            the card, and so on in chains. Not part of `to_dict`.
        domains: Domain to split to number of images; empty where the card names no domains.
        domains_lack: Domain to the classes of which it has no image.
        divided_groups: Group to split to number of images, for groups in more than one split.
        unfit_rows: Why a run would refuse rows or the dataset, a sentence each.
        unanswerable_items: Items of matching with a wrong text that is also the right one.
        boxes: Number of boxes of grounding.
        boxes_beyond: Boxes that reach past the edges of their image.
        widths: Smallest, median and largest width in pixels, before EXIF orientation.
        heights: The same for heights.
        formats: Encoded format and colour mode (`JPEG RGB`) to number of images.
        depths: Depth of a channel in words (`8 bits`) to number of images.
        other_depths: Images of another depth than most, where some have more than 8 bits, a sentence each.
        blank: Images of one colour.
        burned_in: Images whose DICOM file says that text is part of the pixels (BurnedInAnnotation).
        grey_range: The values that become black and white in images of more than 8 bits, where those of the dataset
            decide it.
        smallest_differences: What its test images can show of two recipes; empty unless each has one class.
        notes: The dataset's notes.
    """

    dataset: str
    images: dict[str, int]
    class_counts: dict[str, dict[str, int]]
    unreadable: tuple[Unreadable, ...]
    empty_classes: tuple[str, ...]
    untrained_classes: tuple[str, ...]
    untested_classes: tuple[str, ...]
    copies_across_splits: tuple[Copies, ...]
    copies_with_other_labels: tuple[Copies, ...]
    copies_within_splits: int
    near_duplicates: tuple[NearPair, ...]
    near_duplicate_count: int
    duplicate_groups: dict[str, str]
    domains: dict[str, dict[str, int]]
    domains_lack: dict[str, tuple[str, ...]]
    divided_groups: dict[str, dict[str, int]]
    unfit_rows: tuple[str, ...]
    unanswerable_items: tuple[str, ...]
    boxes: int
    boxes_beyond: tuple[str, ...]
    widths: tuple[int, int, int] | None
    heights: tuple[int, int, int] | None
    formats: dict[str, int]
    depths: dict[str, int]
    other_depths: tuple[str, ...]
    blank: tuple[str, ...]
    burned_in: tuple[str, ...]
    grey_range: tuple[float, float] | None
    smallest_differences: tuple[SmallestDifference, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> int:
        """Number of findings that can spoil results."""
        findings = (
            self.unreadable, self.empty_classes, self.untrained_classes, self.untested_classes,
            self.copies_across_splits, self.copies_with_other_labels, self.divided_groups, self.unfit_rows,
            self.unanswerable_items, self.boxes_beyond, self.other_depths,
            self.burned_in,
        )  # fmt: skip
        return sum(map(len, findings)) + self.near_duplicate_count

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = asdict(replace(self, duplicate_groups={}))
        values.pop("duplicate_groups")
        return {**values, "problems": self.problems}

    def __str__(self) -> str:
        """What was found, a section each; sections without findings are one line."""
        return _render(self)


def _render(report: CheckReport) -> str:
    lines = [f"Dataset {report.dataset}: " + ", ".join(f"{report.images[role]} {role}" for role in ROLES)]
    if report.widths and report.heights:
        w, h = report.widths, report.heights
        lines.append(
            f"Sizes: {w[0]} to {w[2]} px wide (median {w[1]}), {h[0]} to {h[2]} px high (median {h[1]}). "
            "Formats: " + ", ".join(f"{n} {image_format}" for image_format, n in report.formats.items()) + ". "
            "Depths: " + ", ".join(f"{n} of {depth}" for depth, n in report.depths.items()) + "."
        )
    lines += report.notes
    lines += ["", *_class_table(report), ""]
    if report.smallest_differences:
        lines += [_what_it_can_show(report), ""]
    if report.domains:
        lines += [*_table("domain", {n: [by[role] for role in ROLES] for n, by in report.domains.items()}), ""]
    lines += _section("unreadable images", [f"{u.id} ({u.split}): {u.reason}" for u in report.unreadable])
    lines += _section("images with text burned in, as BurnedInAnnotation says", report.burned_in)
    lines += _section("images of another depth than most", report.other_depths)
    lines += _section("classes without any image", report.empty_classes)
    lines += _section("classes without a training image", report.untrained_classes)
    lines += _section("classes without a test image", report.untested_classes)
    lines += _section(
        "images that stand in several splits",
        [" = ".join(f"{i} ({s})" for i, s in zip(c.ids, c.splits, strict=True)) for c in report.copies_across_splits],
    )
    lines += _section(
        "images that stand there with different labels",
        [
            " = ".join(f"{i}: {k}" for i, k in zip(c.ids, c.labels, strict=True))
            for c in report.copies_with_other_labels
        ],
    )
    lines += _section(
        "pairs across splits that look alike",
        [
            f"{p.first} ({p.first_split}) ~ {p.second} ({p.second_split}), {p.similarity:.3f}"
            for p in report.near_duplicates
        ],
        report.near_duplicate_count,
    )
    if report.near_duplicate_count or report.copies_across_splits:
        lines.append("        --group-duplicates FILE writes groups by which a card can make splits")
    lines += _section(
        "groups in several splits",
        [f"{g}: " + ", ".join(f"{n} {s}" for s, n in by.items()) for g, by in report.divided_groups.items()],
    )
    lines += _section("rows that a run refuses", report.unfit_rows)
    lines += _section("items with a wrong text that is also the right one", report.unanswerable_items)
    if report.boxes:
        title = f"of {report.boxes} boxes that reach outside their image; is regions.format right?"
        lines += _section(title if report.boxes_beyond else "boxes that reach outside their image", report.boxes_beyond)
    for domain, classes in report.domains_lack.items():
        shown = ", ".join(classes[:_SHOWN]) + (", ..." if len(classes) > _SHOWN else "")
        count = counted(len(classes), "class", "classes")
        lines.append(f"For your information: domain {domain} has no image of {count}: {shown}.")
    if report.blank:
        more = ", ..." if len(report.blank) > _SHOWN else ""
        names = ", ".join(report.blank[:_SHOWN])
        lines.append(f"For your information: {len(report.blank)} images are blank, of one colour: {names}{more}.")
    if report.copies_within_splits:
        lines.append(f"For your information: {report.copies_within_splits} images repeat another of their own split.")
    return "\n".join(lines)


def _what_it_can_show(report: CheckReport) -> str:
    """The smallest difference that the test set can show, in a sentence."""
    found = report.smallest_differences
    points = [_points(each.difference) for each in found]
    images = sum(report.class_counts["test"].values())
    text = (
        f"Its {counted(images, 'test image')} can show a difference in accuracy of {', '.join(points)} "
        f"points or more, where one of two recipes alone is right on "
        f"{', '.join(f'{100 * each.discordance:.0f}' for each in found)} % of them (McNemar's test at 5 %, power 80 %)"
    )
    if any(each.if_alike != each.difference for each in found):
        text += f"; where images of a group are like copies: {', '.join(_points(each.if_alike) for each in found)}"
    return f"{text}."


def _points(difference: float | None) -> str:
    return "none" if difference is None else f"{100 * difference:.1f}"


def _class_table(report: CheckReport) -> list[str]:
    names = list(report.class_counts[ROLES[0]])
    if not names:
        return ["No classes."]
    return _table("class", {name: [report.class_counts[role][name] for role in ROLES] for name in names})


def _table(what: str, rows: Mapping[str, Sequence[int]]) -> list[str]:
    """Numbers of images by split."""
    width = min(max(map(len, [*rows, what])), 40)
    head = f"{what:<{width}}" + "".join(f"{role:>9}" for role in ROLES)
    return [head, *(f"{name[:width]:<{width}}" + "".join(f"{n:>9}" for n in counts) for name, counts in rows.items())]


def _section(title: str, items: Iterable[str], count: int | None = None) -> list[str]:
    findings: Sequence[str] = list(items)
    total = len(findings) if count is None else count
    if not total:
        return [f"ok    no {title}"]
    shown = [f"        {item}" for item in findings[:_SHOWN]]
    more = [f"        and {total - _SHOWN} more"] if total > _SHOWN else []
    return [f"FOUND {total} {title}", *shown, *more]
