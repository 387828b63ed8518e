"""A check's findings as text for the terminal."""

from collections.abc import Iterable, Sequence

from workbench.datasets.check import CheckReport
from workbench.datasets.roles import ROLES

_SHOWN = 10


def check_text(report: CheckReport) -> str:
    """What was found, a section each; sections without findings are one line."""
    lines = [f"Dataset {report.dataset}: " + ", ".join(f"{report.images[role]} {role}" for role in ROLES)]
    if report.widths and report.heights:
        w, h = report.widths, report.heights
        lines.append(
            f"Sizes: {w[0]} to {w[2]} px wide (median {w[1]}), {h[0]} to {h[2]} px high (median {h[1]}). "
            "Formats: " + ", ".join(f"{n} {kind}" for kind, n in report.formats.items()) + "."
        )
    lines += report.notes
    lines += ["", *_class_table(report), ""]
    lines += _section("unreadable images", [f"{u.id} ({u.split}): {u.reason}" for u in report.unreadable])
    lines += _section("classes without any image", report.empty_classes)
    lines += _section("classes of test without a training image", report.untrained_classes)
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
    lines += _section(
        "groups in several splits",
        [f"{g}: " + ", ".join(f"{n} {s}" for s, n in by.items()) for g, by in report.divided_groups.items()],
    )
    if report.copies_within_splits:
        lines.append(f"For your information: {report.copies_within_splits} images repeat another of their own split.")
    return "\n".join(lines)


def _class_table(report: CheckReport) -> list[str]:
    names = list(report.class_counts[ROLES[0]])
    if not names:
        return ["No classes."]
    width = min(max(map(len, [*names, "class"])), 40)
    head = f"{'class':<{width}}" + "".join(f"{role:>9}" for role in ROLES)
    rows = [f"{n[:width]:<{width}}" + "".join(f"{report.class_counts[r][n]:>9}" for r in ROLES) for n in names]
    return [head, *rows]


def _section(what: str, items: Iterable[str], count: int | None = None) -> list[str]:
    found: Sequence[str] = list(items)
    total = len(found) if count is None else count
    if not total:
        return [f"ok    no {what}"]
    shown = [f"        {item}" for item in found[:_SHOWN]]
    more = [f"        and {total - _SHOWN} more"] if total > _SHOWN else []
    return [f"FOUND {total} {what}", *shown, *more]
