"""Compare the recipes of a suite at each model, dataset and number of shots."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from workbench.errors import UnknownMetricError, WorkbenchError
from workbench.metrics import (
    Measured,
    compare_measured,
    describe,
    higher_is_better,
    holm,
)
from workbench.runs.comparisons.groups import RunGroup, is_comparable, levels, primary_of, run_groups, shots_order
from workbench.runs.comparisons.inference import across_inference
from workbench.runs.comparisons.learning import LearningCurve, learning_curves
from workbench.runs.comparisons.measuring import measure_groups, read_run
from workbench.runs.comparisons.ranking import RecipeRanking, rank
from workbench.runs.comparisons.results import GroupComparison, GroupResult, SuiteComparison
from workbench.tasks import ClassPredictions, Predictions, tasks
from workbench.tracking import RunResult, Store, notes_on_dataset, read_runs, schema

Read = Callable[[RunResult], Predictions]
"""Gives a run's predictions."""
Progress = Callable[[int, int], None]
LEVEL = 0.05


def compare_suite(
    store: Store,
    suite: str,
    metric: str | None = None,
    progress: Progress | None = None,
    *,
    runs: Sequence[RunResult] | None = None,
) -> SuiteComparison:
    """Compare everything that a suite has finished.

    Args:
        store: The store of its runs.
        suite: Its name.
        metric: Name as in the run record; None takes each card's primary metric.
        progress: Called with (done, total) datasets.
        runs: The suite's runs, newest first, where they were read already.

    Raises:
        WorkbenchError: The suite has no finished run, or judges generated images, or no dataset has the metric.
    """

    def read(run: RunResult) -> Predictions:
        return read_run(store, run)

    runs = read_runs(store, suite) if runs is None else runs
    if runs and not any(map(is_comparable, runs)):
        raise WorkbenchError(
            f"suite {suite!r} is of {runs[0].task}. Such runs have no test items in common, so they can neither be "
            f"compared nor reported; `workbench results --suite {suite}` shows their scores with intervals."
        )
    comparison = compare_run_groups(runs, read, suite=suite, metric=metric, progress=progress)
    if not comparison.results:
        raise WorkbenchError(
            f"suite {suite!r} has no finished run in {store.name}; `workbench results` lists what there is."
        )
    return comparison


def compare_run_groups(
    runs: Sequence[RunResult],
    read: Read,
    *,
    suite: str,
    metric: str | None = None,
    progress: Progress | None = None,
) -> SuiteComparison:
    """Compare runs; see `compare_suite`. A dataset that cannot be compared by its metric is left out with a note.

    Args:
        runs: Of one suite, newest first.
        read: Gives a run's predictions.
        suite: The suite's name.
        metric: Name as in the run record; None takes each card's primary metric.
        progress: Called with (done, total) datasets.

    Raises:
        UnknownMetricError: No dataset can be compared by its metric.
    """
    groups, notes = run_groups(runs)
    entries: list[GroupResult] = []
    pairs: list[GroupComparison] = []
    curves: list[LearningCurve] = []
    by_dataset: dict[str, list[RunGroup]] = defaultdict(list)
    for group in groups:
        by_dataset[group.first.dataset].append(group)
    lacking: dict[str, str] = {}
    done = 0
    waiting = _with_equal_items(by_dataset, metric)
    while waiting:
        (chosen, *names), *waiting = waiting
        measured_groups = [group for name in names for group in by_dataset[name]]
        try:
            measured, classes = _measured(read, measured_groups, chosen)
        except UnknownMetricError as error:
            lacking |= dict.fromkeys(names, str(error))
            measured, classes = [], None
        except WorkbenchError as error:
            if len(names) == 1:
                raise WorkbenchError(f"dataset {names[0]!r}: {error}") from error
            waiting = [*((chosen, name) for name in names), *waiting]  # The items are equal, but their names differ.
            continue
        if measured:
            results = [
                GroupResult(
                    group, chosen, measurement.estimate(), tuple(map(float, measurement.by_seed)), measurement.spread
                )
                for group, measurement in zip(measured_groups, measured, strict=True)
            ]
            pairs += _compare(results, measured, chosen, len(by_dataset))
            curves += learning_curves(results, measured, classes)
            entries += results
        done += len(names)
        if progress is not None:
            progress(done, len(by_dataset))
    if lacking and not entries:
        # Datasets of one task have the same text; one of them stands for all.
        dataset_of = {text: name for name, text in reversed(lacking.items())}
        raise UnknownMetricError(" ".join(f"dataset {name!r}: {text}" for text, name in reversed(dataset_of.items())))
    notes += across_inference(group.first for group in groups)
    notes += _about_data(groups)
    for name, text in lacking.items():
        # A card's own metric should be there, so the whole text is shown; a chosen metric is not on every dataset.
        notes.append(
            f"Dataset {name!r} is left out: " + (text if metric is None else f"it has no {metric!r} to compare by.")
        )
    return SuiteComparison(
        suite, metric, tuple(entries), tuple(_corrected(pairs)), _rankings(entries), tuple(notes), tuple(curves)
    )


def _about_data(groups: Sequence[RunGroup]) -> list[str]:
    """Sentences about the datasets, and about what models cannot do on them."""
    by_dataset: dict[str, list[RunResult]] = defaultdict(list)
    for group in groups:
        by_dataset[group.first.dataset] += group.runs
    about = {name: notes_on_dataset(runs) for name, runs in by_dataset.items()}
    of_models = dict.fromkeys(note for group in groups for run in group.runs for note in run.model_notes)
    return [*(f"{name}: {note}" for name, notes in about.items() for note in notes), *of_models]


def _with_equal_items(by_dataset: Mapping[str, Sequence[RunGroup]], metric: str | None) -> list[tuple[str, ...]]:
    """A metric and the datasets to compare by it: most alone, those with equal test items together."""
    names_by_metric: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, groups in by_dataset.items():
        first = groups[0].first
        chosen = metric or primary_of(first)
        # Elsewhere items are not images, and may differ where these are equal.
        items = first.tags.get(schema.ITEMS) if tasks.get(first.task).names_classes else None
        names_by_metric[chosen, items or name].append(name)
    return [(chosen, *names) for (chosen, _), names in names_by_metric.items()]


def _measured(read: Read, groups: Sequence[RunGroup], metric: str) -> tuple[list[Measured], int | None]:
    """Measurements, and the number of classes, where there are classes."""
    names = [f"run {group.first.run_id}" for group in groups]
    predictions = [[read(run) for run in group.runs] for group in groups]
    first = predictions[0][0]
    classes = len(first.class_names) if isinstance(first, ClassPredictions) else None
    return measure_groups(predictions, names, metric), classes


def _compare(
    entries: Sequence[GroupResult], measured: Sequence[Measured], metric: str, datasets: int
) -> list[GroupComparison]:
    """Every two groups that meet at some model and shots, once, and each recipe's most against fewest shots.

    Where classes have other names in another dataset, each recipe is compared with itself there, too.

    Args:
        entries: On one dataset, or on several with equal test items.
        measured: Their measurements.
        metric: Its name.
        datasets: Number of datasets in the suite, each with about as many pairs.
    """
    better = 1.0 if higher_is_better(metric) else -1.0
    met: dict[tuple[int, int], tuple[str, str, str]] = {}
    for dataset in dict.fromkeys(entry.run.dataset for entry in entries):
        there = [i for i, entry in enumerate(entries) if entry.run.dataset == dataset]
        for model, shots in levels(entries[i].group for i in there):
            here = [i for i in there if entries[i].group.takes_part(model, shots)]
            here.sort(key=lambda i: -better * measured[i].shown)
            for i, j in itertools.combinations(here, 2):
                if (j, i) not in met:
                    met.setdefault((i, j), ("recipes", model, shots))
    for i, j in _growth(entries):
        met[i, j] = ("shots", entries[i].run.model, entries[i].run.shots)
    for i, j in _renamed(entries):
        best = sorted((i, j), key=lambda i: -better * measured[i].shown)
        met[best[0], best[1]] = ("names", entries[i].run.model, entries[i].run.shots)
    # The smallest p-value that random exchanges can give must survive Holm's correction over the family.
    draws = max(9_999, int(2 * len(met) * datasets / LEVEL))
    differences = compare_measured(measured, list(met), draws=draws)
    return [
        GroupComparison(kind, model, shots, entries[i], entries[j], difference, difference.p_value, "")
        for ((i, j), (kind, model, shots)), difference in zip(met.items(), differences, strict=True)
    ]


def _growth(entries: Sequence[GroupResult]) -> list[tuple[int, int]]:
    """(most, fewest) shots of each recipe; the most are the fewest at which no more training images come in."""
    series: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if not entry.group.is_everywhere and not entry.group.is_baseline:
            series[entry.run.dataset, entry.run.model, entry.group.label].append(i)
    growth = []
    for indices in series.values():
        indices.sort(key=lambda i: shots_order(entries[i].run.shots))
        images = [entries[i].group.train_images for i in indices]
        most = indices[images.index(max(images))]
        if most != indices[0]:
            growth.append((most, indices[0]))
    return growth


def _renamed(entries: Sequence[GroupResult]) -> list[tuple[int, int]]:
    """The same recipe on datasets with equal test items, two at a time; the majority class knows no names."""
    same: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if not entry.group.is_baseline:
            same[entry.run.model, entry.group.label, entry.run.shots].append(i)
    return [pair for indices in same.values() for pair in itertools.combinations(indices, 2)]


def _corrected(pairs: Sequence[GroupComparison]) -> list[GroupComparison]:
    corrected = holm([pair.difference.p_value for pair in pairs])
    return [replace(pair, p_corrected=p, sentence=_sentence(pair, p)) for pair, p in zip(pairs, corrected, strict=True)]


def _sentence(pair: GroupComparison, p_corrected: float) -> str:
    names = (pair.first.group.label, pair.other.group.label)
    if pair.kind == "shots":
        names = (f"{names[0]} at {pair.first.run.shots} shots", f"{names[1]} at {pair.other.run.shots}")
    if pair.kind == "names":
        names = (f"{names[0]} on {pair.first.run.dataset}", f"{names[1]} on {pair.other.run.dataset}")
    return describe(pair.difference, *names, pair.first.metric, p_value=p_corrected)


def _rankings(entries: Sequence[GroupResult]) -> tuple[RecipeRanking, ...]:
    rankings = []
    # The same images under other names are no further dataset on which the order could hold.
    first: dict[tuple[str, str], str] = {}
    for run in (entry.run for entry in entries):
        first.setdefault((run.task, run.tags.get(schema.ITEMS, run.dataset)), run.dataset)
    entries = [entry for entry in entries if entry.run.dataset in first.values()]
    for model, shots in levels(entry.group for entry in entries):
        values: dict[str, dict[str, float]] = defaultdict(dict)
        upwards: dict[str, bool] = {}
        taking = [e for e in entries if e.group.takes_part(model, shots) and not e.group.is_baseline]
        # A dataset that nothing was run on at this number of shots would leave only the zero-shot recipes in common.
        there = {e.run.dataset for e in taking if e.run.shots == shots}
        for entry in taking:
            if entry.run.dataset in there:
                values[entry.run.dataset][entry.group.label] = entry.estimate.value
                upwards[entry.run.dataset] = higher_is_better(entry.metric)
        ranking = rank(model, shots, values, upwards)
        if ranking is not None:
            rankings.append(ranking)
    return tuple(rankings)
