"""Paired comparison of finished runs, the same for the command line and the dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.metrics import PairedDifference, compare_two, describe, holm
from workbench.runs.comparisons.imported import ImportedScores, with_labels_of
from workbench.runs.comparisons.inference import across_inference
from workbench.runs.comparisons.measuring import measure_groups
from workbench.runs.finished import FinishedRun
from workbench.tasks import ClassPredictions
from workbench.tracking import RunResult, labels_apart, schema


@dataclass(frozen=True)
class RunComparison:
    """One run against another.

    Attributes:
        first: Run id.
        other: Run id, or the file of imported scores.
        metric: The compared metric.
        difference: First minus other, with interval and p-value.
        p_corrected: Holm-corrected over the comparisons made together.
        sentence: The result in words.
        marks: Differences between the two runs besides their recipes.
    """

    first: str
    other: str
    metric: str
    difference: PairedDifference
    p_corrected: float
    sentence: str
    marks: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.sentence, *(f"  note: {mark}" for mark in self.marks)))


RunOrScores = FinishedRun | ImportedScores
"""The other side of a comparison."""


def compare_runs(
    first: FinishedRun,
    others: Sequence[RunOrScores],
    metric: str | None = None,
    seeds: Mapping[str, int] | None = None,
) -> list[RunComparison]:
    """Compare one run with others on their common test items.

    A run has one seed. Where a suite has several, prefer `compare_suite`: it compares all seeds together.

    Args:
        first: The run.
        others: Runs on the same dataset, or scores of another tool.
        metric: Name as in the run record; None takes the card's primary metric.
        seeds: Run id to the number of seeds that it is one of, for the sentences; see `seed_counts`.

    Raises:
        WorkbenchError: Other test items or labels; says which.
    """
    seeds = seeds or {}
    name = metric or first.result.tags.get(schema.PRIMARY_METRIC, "accuracy")
    runs = [first.result, *(other.result for other in others if isinstance(other, FinishedRun))]
    titles = {run.run_id: title(run, seeds) for run in labels_apart(runs)}
    differences = _measured(first, others, name)
    corrected = holm([difference.p_value for difference in differences])
    return [
        RunComparison(
            first=first.result.run_id,
            other=_id(other),
            metric=name,
            difference=difference,
            p_corrected=float(p),
            sentence=describe(difference, _title(first, titles), _title(other, titles), name, p_value=float(p)),
            marks=(*_marks(first, other), *_one_seed(first.result, other, seeds)),
        )
        for other, difference, p in zip(others, differences, corrected, strict=True)
    ]


def title(run: RunResult, seeds: Mapping[str, int] | None = None) -> str:
    """A run in a few words.

    Args:
        run: The run.
        seeds: As for `compare_runs`.
    """
    return (
        f"{run.label} ({run.model}, {run.shots} shots, seed {run.seed}{seed_note(run, seeds or {})}, {run.run_id[:8]})"
    )


def seed_note(run: RunResult, seeds: Mapping[str, int]) -> str:
    """`, one of 3 seeds` for a run that has others beside it."""
    count = seeds.get(run.run_id, 1)
    return f", one of {count} seeds" if count > 1 else ""


def _id(run: RunOrScores) -> str:
    return str(run.path) if isinstance(run, ImportedScores) else run.result.run_id


def _title(run: RunOrScores, titles: Mapping[str, str]) -> str:
    return run.path.name if isinstance(run, ImportedScores) else titles[run.result.run_id]


def _one_seed(first: RunResult, other: RunOrScores, seeds: Mapping[str, int]) -> tuple[str, ...]:
    """A note if the runs have other seeds: the suite's comparison takes all seeds."""
    runs = [first] if isinstance(other, ImportedScores) else [first, other.result]
    suites = dict.fromkeys(run.suite for run in runs if seed_note(run, seeds))
    return tuple(
        f"another seed can show something else; `workbench compare --suite {suite}` compares all seeds together"
        for suite in suites
    )


def _measured(first: FinishedRun, others: Sequence[RunOrScores], metric: str) -> list[PairedDifference]:
    names = [f"run {first.result.run_id}", *(_named(other) for other in others)]
    first_predictions = first.predictions
    differences = []
    for name, other in zip(names[1:], others, strict=True):
        other_predictions = other.predictions
        if isinstance(other, ImportedScores) and isinstance(first_predictions, ClassPredictions):
            other_predictions = with_labels_of(other.predictions, first_predictions)
        a, b = measure_groups([[first_predictions], [other_predictions]], [names[0], name], metric)
        differences.append(compare_two(a, b))
    return differences


def _named(run: RunOrScores) -> str:
    return str(run.path) if isinstance(run, ImportedScores) else f"run {run.result.run_id}"


def _marks(first: FinishedRun, other: RunOrScores) -> tuple[str, ...]:
    if isinstance(other, ImportedScores):
        order = "" if other.named_classes else " It names no classes; they are taken to be in the run's order."
        return (f"{other.path.name} was made by another tool.{order}",)
    a, b = first.result, other.result
    kinds = {
        "precision": "precision",
        "preprocessing": "preprocessing",
        "workbench.protocol": "protocol",
        "dataset.fingerprint": "dataset fingerprint",
        schema.LANGUAGE: "language",
    }
    marks = [
        f"the runs differ in {words}: {a.tags.get(key)} and {b.tags.get(key)}"
        for key, words in kinds.items()
        if a.tags.get(key) and b.tags.get(key) and a.tags.get(key) != b.tags.get(key)
    ]
    marks += across_inference([a, b])
    return (*marks, *first.predictions.unlike(other.predictions))
