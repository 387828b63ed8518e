"""Paired comparison of finished runs, the same for the command line and the dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import DataError
from workbench.metrics import PairedDifference, align_items, compare_paired, describe, holm
from workbench.runs.finished import FinishedRun
from workbench.runs.imported import ImportedScores
from workbench.runs.joint_comparison import joint_difference
from workbench.runs.predictions import Predictions, match_classes
from workbench.tracking import RunResult, labels_apart, schema


@dataclass(frozen=True)
class Comparison:
    """One run against another.

    Attributes:
        first: Run id.
        other: Run id, or the file of imported scores.
        metric: What was compared.
        difference: First minus other, with interval and p-value.
        p_corrected: Holm-corrected over the comparisons made together.
        sentence: The result in words.
        marks: What makes the two runs unlike besides their recipes.
    """

    first: str
    other: str
    metric: str
    difference: PairedDifference
    p_corrected: float
    sentence: str
    marks: tuple[str, ...]


Other = FinishedRun | ImportedScores
"""What a run can be compared with."""


def compare_runs(
    first: FinishedRun,
    others: Sequence[Other],
    metric: str | None = None,
    seeds: Mapping[str, int] | None = None,
) -> list[Comparison]:
    """Compare one run with others on their common test items.

    A run is one seed. Where a suite has several of it, `runs.study` compares them together, and that is what counts.

    Args:
        first: The run.
        others: Runs on the same dataset, or scores of another tool.
        metric: Name as in the run record; None takes the card's primary metric.
        seeds: Run id to the number of seeds that it is one of, for the sentences; see `seeds_beside`.

    Raises:
        WorkbenchError: Other test items or labels; says which.
    """
    seeds = seeds or {}
    name = metric or first.result.tags.get(schema.PRIMARY_METRIC, "accuracy")
    runs = [first.result, *(other.result for other in others if isinstance(other, FinishedRun))]
    titles = {run.run_id: title(run, seeds) for run in labels_apart(runs)}
    found = [_difference(first, other, name) for other in others]
    corrected = holm([difference.p_value for difference in found])
    return [
        Comparison(
            first=first.result.run_id,
            other=_id(other),
            metric=name,
            difference=difference,
            p_corrected=float(p),
            sentence=describe(difference, _title(first, titles), _title(other, titles), name, p_value=float(p)),
            marks=(*_marks(first, other), *_one_seed(first.result, other, seeds)),
        )
        for other, difference, p in zip(others, found, corrected, strict=True)
    ]


def title(run: RunResult, seeds: Mapping[str, int] | None = None) -> str:
    """A run in a few words.

    Args:
        run: The run.
        seeds: As for `compare_runs`.
    """
    return f"{run.label} ({run.model}, {run.shots} shots, seed {run.seed}{one_of(run, seeds or {})}, {run.run_id[:8]})"


def one_of(run: RunResult, seeds: Mapping[str, int]) -> str:
    """`, one of 3 seeds` for a run that has others beside it."""
    count = seeds.get(run.run_id, 1)
    return f", one of {count} seeds" if count > 1 else ""


def _id(run: Other) -> str:
    return str(run.path) if isinstance(run, ImportedScores) else run.result.run_id


def _title(run: Other, titles: Mapping[str, str]) -> str:
    return run.path.name if isinstance(run, ImportedScores) else titles[run.result.run_id]


def _one_seed(first: RunResult, other: Other, seeds: Mapping[str, int]) -> tuple[str, ...]:
    """What the seeds beside these two show is said elsewhere."""
    runs = [first] if isinstance(other, ImportedScores) else [first, other.result]
    suites = dict.fromkeys(run.suite for run in runs if one_of(run, seeds))
    return tuple(
        f"another seed can show something else; `workbench compare --suite {suite}` compares all seeds together"
        for suite in suites
    )


def _difference(first: FinishedRun, other: Other, metric: str) -> PairedDifference:
    if first.is_joint and not isinstance(other, ImportedScores):
        if first.result.task != other.result.task:
            raise DataError(f"runs {first.result.run_id} and {_id(other)} are of different tasks.")
        return joint_difference(first.joint_predictions, other.joint_predictions, metric)
    a = first.predictions
    try:
        b = match_classes(other.predictions, a)
    except DataError as error:
        raise DataError(f"runs {first.result.run_id} and {_id(other)} have {error}") from error
    if a.labels is None or (b.labels is None and not isinstance(other, ImportedScores)):
        raise DataError("runs without labels cannot be compared.")
    if b.labels is not None and b.labels.ndim != a.labels.ndim:
        raise DataError(
            f"runs {first.result.run_id} and {_id(other)} have different labels: one label an item, and a list of them."
        )
    order = align_items(np.asarray(a.ids, np.str_), np.asarray(b.ids, np.str_), a.labels, b.labels)
    multi_label = a.labels.ndim == 2
    return compare_paired(
        a.scores, b.scores[order], a.labels, a.group_codes,
        metric=metric, multi_label=multi_label, unseen=a.unseen,
    )  # fmt: skip


def _marks(first: FinishedRun, other: Other) -> tuple[str, ...]:
    if isinstance(other, ImportedScores):
        order = "" if other.named_classes else " It names no classes; they are taken to be in the run's order."
        return (f"{other.path.name} was made by another tool.{order}",)
    a, b = first.result, other.result
    kinds = {
        "precision": "precision",
        "workbench.protocol": "protocol",
        "dataset.fingerprint": "dataset fingerprint",
        schema.LANGUAGE: "language",
    }
    marks = [
        f"the runs differ in {words}: {a.tags.get(key)} and {b.tags.get(key)}"
        for key, words in kinds.items()
        if a.tags.get(key) and b.tags.get(key) and a.tags.get(key) != b.tags.get(key)
    ]
    return (*marks, *([] if first.is_joint else _other_names(first.predictions, other.predictions)))


def _other_names(a: Predictions, b: Predictions) -> list[str]:
    names = dict(zip(b.class_keys or b.class_names, b.class_names, strict=True))
    other = [(own, names[key]) for key, own in zip(a.class_keys or a.class_names, a.class_names, strict=True)
             if names.get(key, own) != own]  # fmt: skip
    if not other:
        return []
    return [f"the runs call {len(other)} classes otherwise, for example {other[0][0]!r} and {other[0][1]!r}"]
