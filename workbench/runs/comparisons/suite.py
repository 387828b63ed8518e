"""Compare the recipes of a suite at each model, dataset and number of shots."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.errors import UnknownMetricError, WorkbenchError
from workbench.formatting import counted
from workbench.metrics import (
    Estimate,
    Measured,
    PairedDifference,
    compare_measured,
    describe,
    higher_is_better,
    holm,
    is_evident,
)
from workbench.runs.comparisons.groups import RunGroup, is_comparable, levels, primary_of, run_groups, shots_order
from workbench.runs.comparisons.measuring import measure_alike, read_run
from workbench.runs.comparisons.ranking import RecipeRanking, rank
from workbench.tasks import Predictions, tasks
from workbench.tracking import RunResult, Store, read_runs, schema

Read = Callable[[RunResult], Predictions]
"""Gives a run's predictions."""
Progress = Callable[[int, int], None]
LEVEL = 0.05


@dataclass(frozen=True)
class GroupResult:
    """A group with its result.

    Attributes:
        group: The runs.
        metric: What was measured.
        estimate: Mean over seeds, with its interval over seeds and items.
        by_seed: Value of each seed.
        spread: Standard deviation over seeds; NaN with one.
    """

    group: RunGroup
    metric: str
    estimate: Estimate
    by_seed: tuple[float, ...]
    spread: float

    @property
    def run(self) -> RunResult:
        """A run that stands for all seeds."""
        return self.group.first

    @property
    def chance(self) -> float | None:
        """What a blind guess would reach in the metric; None where nobody has worked it out."""
        return self.run.metrics.get(f"chance_{self.metric}")


@dataclass(frozen=True)
class GroupComparison:
    """Two entries on the same dataset, compared.

    Attributes:
        kind: `recipes` (same shots), `shots` (the same recipe with the most and the fewest shots) or `names` (the same
            recipe on the same items, whose classes have other names or another language).
        model: Model at which they meet.
        shots: Number of shots at which they meet; of the first where they differ in it.
        first: The better one on average, or the one with more shots.
        other: The other.
        difference: First minus other.
        p_corrected: Holm-corrected over all pairs of the suite and metric.
        sentence: The result in words.
    """

    kind: str
    model: str
    shots: str
    first: GroupResult
    other: GroupResult
    difference: PairedDifference
    p_corrected: float
    sentence: str

    @property
    def decided(self) -> bool:
        """Whether a difference is shown: by the corrected test and by the interval."""
        return is_evident(self.difference, self.p_corrected)


@dataclass(frozen=True)
class SuiteComparison:
    """What a suite shows.

    Attributes:
        suite: Its name.
        metric: As asked for; None where each dataset's card decides.
        results: Every group.
        pairs: Every comparison; the family of the Holm correction.
        rankings: One a model and number of shots.
        notes: What was left out.
    """

    suite: str
    metric: str | None
    results: tuple[GroupResult, ...]
    pairs: tuple[GroupComparison, ...]
    rankings: tuple[RecipeRanking, ...]
    notes: tuple[str, ...]

    @property
    def family(self) -> str:
        """What the p-values are corrected over, in a sentence."""
        metric = self.metric or "each dataset's primary metric"
        comparisons = counted(len(self.pairs), "comparison")
        return (
            f"p-values are Holm-corrected over the {comparisons} of suite {self.suite} in {metric}, whatever part of "
            "them is shown."
        )


def compare_suite(
    store: Store, suite: str, metric: str | None = None, progress: Progress | None = None
) -> SuiteComparison:
    """Compare everything that a suite has finished.

    Args:
        store: Where its runs are.
        suite: Its name.
        metric: Name as in the run record; None takes each card's primary metric.
        progress: Told of datasets done.

    Raises:
        WorkbenchError: The suite has no finished run, or judges generated images, or no dataset has the metric.
    """

    def read(run: RunResult) -> Predictions:
        return read_run(store, run)

    runs = read_runs(store, suite)
    if runs and not any(map(is_comparable, runs)):
        raise WorkbenchError(
            f"suite {suite!r} is of {runs[0].task}. Such runs have no test items in common, so they can neither be "
            f"compared nor reported; `workbench results --suite {suite}` shows their scores with intervals."
        )
    found = compare_run_groups(runs, read, suite=suite, metric=metric, progress=progress)
    if not found.results:
        raise WorkbenchError(
            f"suite {suite!r} has no finished run in {store.name}; `workbench results` lists what there is."
        )
    return found


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
        progress: Told of datasets done.

    Raises:
        UnknownMetricError: No dataset can be compared by its metric.
    """
    everyone, notes = run_groups(runs)
    entries: list[GroupResult] = []
    pairs: list[GroupComparison] = []
    by_dataset: dict[str, list[RunGroup]] = defaultdict(list)
    for one in everyone:
        by_dataset[one.first.dataset].append(one)
    lacking: dict[str, str] = {}
    done = 0
    waiting = _with_equal_items(by_dataset, metric)
    while waiting:
        (chosen, *names), *waiting = waiting
        own = [one for name in names for one in by_dataset[name]]
        try:
            measured = _measured(read, own, chosen)
        except UnknownMetricError as error:
            lacking |= dict.fromkeys(names, str(error))
            measured = []
        except WorkbenchError as error:
            if len(names) == 1:
                raise WorkbenchError(f"dataset {names[0]!r}: {error}") from error
            waiting = [*((chosen, name) for name in names), *waiting]  # The items are equal, and called otherwise.
            continue
        if measured:
            found = [
                GroupResult(one, chosen, each.estimate(), tuple(map(float, each.by_seed)), each.spread)
                for one, each in zip(own, measured, strict=True)
            ]
            pairs += _compare(found, measured, chosen, len(by_dataset))
            entries += found
        done += len(names)
        if progress is not None:
            progress(done, len(by_dataset))
    if lacking and not entries:
        # Datasets of one task say the same; one of them says it for all.
        said = {text: name for name, text in reversed(lacking.items())}
        raise UnknownMetricError(" ".join(f"dataset {name!r}: {text}" for text, name in reversed(said.items())))
    about = {one.first.dataset: one.newest.dataset_notes for one in everyone}
    notes += (f"{name}: {note}" for name, sentences in about.items() for note in sentences)
    notes += dict.fromkeys(note for one in everyone for run in one.runs for note in run.model_notes)
    for name, text in lacking.items():
        # Whoever asked for a metric knows that not every dataset has it; a card's own is another matter.
        notes.append(
            f"Dataset {name!r} is left out: " + (text if metric is None else f"it has no {metric!r} to compare by.")
        )
    return SuiteComparison(suite, metric, tuple(entries), tuple(_corrected(pairs)), _rankings(entries), tuple(notes))


def _with_equal_items(by_dataset: Mapping[str, Sequence[RunGroup]], metric: str | None) -> list[tuple[str, ...]]:
    """A metric and the datasets to compare by it: most alone, those with equal test items together."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, own in by_dataset.items():
        first = own[0].first
        chosen = metric or primary_of(first)
        # Elsewhere items are not images, and may differ where these are equal.
        items = first.tags.get(schema.ITEMS) if tasks.get(first.task).names_classes else None
        found[chosen, items or name].append(name)
    return [(chosen, *names) for (chosen, _), names in found.items()]


def _measured(read: Read, own: Sequence[RunGroup], metric: str) -> list[Measured]:
    names = [f"run {one.first.run_id}" for one in own]
    return measure_alike([[read(run) for run in one.runs] for one in own], names, metric)


def _compare(
    entries: Sequence[GroupResult], measured: Sequence[Measured], metric: str, datasets: int
) -> list[GroupComparison]:
    """Every two groups that meet at some model and shots, once, and each recipe's most against fewest shots.

    Where classes have other names in another dataset, each recipe is held against itself there, too.

    Args:
        entries: On one dataset, or on several with equal test items.
        measured: Theirs.
        metric: What was measured.
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
    found = compare_measured(measured, list(met), draws=draws)
    return [
        GroupComparison(kind, model, shots, entries[i], entries[j], difference, difference.p_value, "")
        for ((i, j), (kind, model, shots)), difference in zip(met.items(), found, strict=True)
    ]


def _growth(entries: Sequence[GroupResult]) -> list[tuple[int, int]]:
    """(most, fewest) shots of each recipe; the most are the fewest at which no more training images come in."""
    series: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if not entry.group.is_everywhere and not entry.group.is_baseline:
            series[entry.run.dataset, entry.run.model, entry.group.label].append(i)
    found = []
    for own in series.values():
        own.sort(key=lambda i: shots_order(entries[i].run.shots))
        images = [entries[i].group.train_images for i in own]
        most = own[images.index(max(images))]
        if most != own[0]:
            found.append((most, own[0]))
    return found


def _renamed(entries: Sequence[GroupResult]) -> list[tuple[int, int]]:
    """The same recipe on datasets with equal test items, two at a time; the majority class knows no names."""
    same: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if not entry.group.is_baseline:
            same[entry.run.model, entry.group.label, entry.run.shots].append(i)
    return [pair for own in same.values() for pair in itertools.combinations(own, 2)]


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
    found = []
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
            found.append(ranking)
    return tuple(found)
