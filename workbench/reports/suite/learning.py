"""What more training images are expected to bring, in words and as a table."""

from collections.abc import Sequence
from math import isinf

from workbench.formatting import counted, format_count
from workbench.metrics.formatting import format_interval, format_value
from workbench.metrics.learning_curve import FARTHEST, Expected
from workbench.reports.suite.blocks import Block, Paragraph, TableBlock, TextCell
from workbench.runs.comparisons import LearningCurve

TIMES = (2, 4)
"""Multiples of the largest number of images that was measured, for which the metric is foretold."""
LEGEND = (
    "Most likely value [95 % band], from power laws of the error that the numbers, over seeds and test items, do not "
    "rule out. It is for more images of the same kind, and the farther the vaguer."
)


def learning_blocks(curves: Sequence[LearningCurve]) -> list[Block]:
    """A folded table with a row a curve; nothing where no recipe has enough numbers of images."""
    fitted = [curve for curve in curves if curve.law is not None]
    if not fitted:
        return []
    header = ("recipe", "images", *(f"at {times}x" for times in TIMES), "largest, from the others", "measured")
    rows = tuple(
        (
            TextCell(curve.label), TextCell(images_text(curve, curve.entries[-1].group.train_images)),
            *(TextCell(_value(curve, curve.at(times * curve.entries[-1].group.train_images))) for times in TIMES),
            TextCell("" if curve.held_back is None else _value(curve, curve.held_back.expected)),
            TextCell("" if curve.held_back is None else format_value(curve.metric, curve.held_back.measured)),
        )
        for curve in fitted
    )  # fmt: skip
    return [TableBlock(header, rows, title="More training images"), Paragraph(LEGEND)]


def learning_text(curve: LearningCurve, targets: Sequence[float]) -> str:
    """A curve in sentences, one a line.

    Args:
        curve: The curve.
        targets: Values of the metric for which the number of images is asked.
    """
    run, largest = curve.run, curve.entries[-1].group.train_images
    head = f"{curve.label} on {run.dataset} with {run.model}, {curve.metric}:"
    measured = [
        f"{_number(curve, entry.group.train_images)}: {format_value(curve.metric, entry.estimate.value)}"
        for entry in curve.entries
    ]
    lines = [f"measured by {'images' if curve.classes is None else 'images a class'}: {', '.join(measured)}"]
    if curve.law is None:
        return "\n  ".join([head, *lines, f"no forecast: {curve.problem}"])
    ahead = [f"{_value(curve, curve.at(n * largest))} at {images_text(curve, n * largest)}" for n in TIMES]
    lines.append(f"expect {' and '.join(ahead)}")
    lines += [target_sentence(curve, target) for target in targets]
    if curve.held_back is not None:
        expected, value = _value(curve, curve.held_back.expected), format_value(curve.metric, curve.held_back.measured)
        outside = "" if curve.held_back.is_met else " is outside: do not rely on this curve"
        lines.append(
            f"check: the others foretell {expected} at {images_text(curve, largest)}; measured {value}{outside}"
        )
    if curve.has_few_seeds:
        lines.append("with fewer than three seeds the bands are too narrow")
    return "\n  ".join([head, *lines])


def target_sentence(curve: LearningCurve, target: float) -> str:
    """How many images it takes to reach a value of the metric."""
    needed = curve.images_for(target)
    wanted = f"to reach {format_value(curve.metric, target, unit=True)}"
    most = curve.entries[-1].group.train_images * FARTHEST
    if isinf(needed.low):
        there = _value(curve, curve.at(most))
        return f"{wanted}: not in sight; at {images_text(curve, most)} expect {there}"
    low = _number(curve, needed.low)
    if isinf(needed.value):
        return f"{wanted} expect more than {images_text(curve, most)}, if it is ever reached; at the least {low}"
    likely = f"most likely {_number(curve, needed.value)}"
    if curve.classes is not None:
        likely += f", {format_count(needed.value)} in all"
    if isinf(needed.high):
        return (
            f"{wanted} expect {images_text(curve, needed.low)} or more ({likely}); the measurements leave open whether "
            "it is ever reached"
        )
    return f"{wanted} expect {low} to {images_text(curve, needed.high)} ({likely})"


def images_text(curve: LearningCurve, images: float) -> str:
    """A number of training images: by class where there are classes."""
    if curve.classes is None:
        return counted(round(images), "image")
    return f"{_number(curve, images)} images a class"


def _number(curve: LearningCurve, images: float) -> str:
    each = images / (curve.classes or 1)
    return format_count(each) if each >= 10 or abs(each - round(each)) < 0.05 else f"{each:.1f}"


def _value(curve: LearningCurve, expected: Expected) -> str:
    ends = format_interval(curve.metric, expected.low, expected.high)
    return f"{format_value(curve.metric, expected.value, unit=True)} {ends}"
