"""Run groups: runs that differ in nothing but the seed, the same for terminal, report and dashboard."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.runs.planning import NO_MODEL
from workbench.tasks import installed
from workbench.tracking import RunResult, labels_apart, left_out, newest_state, schema
from workbench.tracking.states import state

BASELINE = "majority-class"


@dataclass(frozen=True)
class RunGroup:
    """Runs that differ in nothing but the seed.

    Attributes:
        label: The recipe's name in tables; unique for its settings.
        runs: One a seed, by seed.
        has_other_shots: The same recipe was run with another number of shots, too, on the dataset.
    """

    label: str
    runs: tuple[RunResult, ...]
    has_other_shots: bool = False

    @property
    def first(self) -> RunResult:
        """A run that stands for all."""
        return self.runs[0]

    @property
    def newest(self) -> RunResult:
        """The run that was begun last."""
        return max(self.runs, key=lambda run: run.recency)

    def values(self, metric: str) -> list[float]:
        """A metric's values, those runs' that have it, by seed."""
        return [run.metrics[metric] for run in self.runs if not math.isnan(run.metrics.get(metric, math.nan))]

    def mean(self, metric: str) -> float:
        """Mean over seeds; NaN where no run has the metric."""
        values = self.values(metric)
        return statistics.fmean(values) if values else math.nan

    def spread(self, metric: str) -> float:
        """Standard deviation over seeds; NaN with fewer than two."""
        values = self.values(metric)
        return statistics.stdev(values) if len(values) > 1 else math.nan

    @property
    def is_baseline(self) -> bool:
        """Whether it is the majority class."""
        return self.first.recipe == BASELINE

    @property
    def is_everywhere(self) -> bool:
        """Whether it takes part at every number of shots: it uses no training image, or no model and all labels."""
        if self.has_other_shots:  # It would be compared with itself.
            return False
        return self.first.shots == "0" or (self.first.model == NO_MODEL and self.first.shots == "all")

    @property
    def train_images(self) -> float:
        """Training images, the mean over seeds."""
        return sum(run.metrics.get("train_images", 0.0) for run in self.runs) / len(self.runs)

    def takes_part(self, model: str, shots: str) -> bool:
        """Whether it is compared with others of `model` at `shots`."""
        return self.first.model in (model, NO_MODEL) and (self.is_everywhere or self.first.shots == shots)


def group_by_seed(runs: Sequence[RunResult]) -> list[RunGroup]:
    """Gather runs that differ in nothing but the seed; of a seed that was run twice the newest counts.

    Args:
        runs: Newest first, with labels that differ with settings (see `labels_apart`).

    Returns:
        Groups in the order of their newest runs.
    """
    groups: dict[Hashable, dict[int, RunResult]] = defaultdict(dict)
    for run in runs:
        settings = tuple(sorted((key, str(value)) for key, value in run.params.items()))
        language = run.tags.get(schema.LANGUAGE, "en")
        names = (run.dataset, language, run.suite, run.model, run.recipe, run.label, run.shots, run.status)
        groups[names, settings, state(run.tags)].setdefault(run.seed, run)
    return [
        RunGroup(next(iter(by_seed.values())).label, tuple(by_seed[seed] for seed in sorted(by_seed)))
        for by_seed in groups.values()
    ]


def run_groups(runs: Sequence[RunResult]) -> tuple[list[RunGroup], list[str]]:
    """Gather finished runs.

    Runs on another state of the dataset, the model or the recipe, or at another precision than the newest run's, are
    left out (see `newest_state`), and so is all but the newest of several runs with the same settings and seed.

    Args:
        runs: Newest first.

    Returns:
        Groups in the order of dataset, model, label and shots, and sentences about runs that were left out.
    """
    notes = []
    comparable = [run for run in runs if is_comparable(run)]
    others = [run for run in runs if not is_comparable(run)]
    if others:
        named = ", ".join(sorted({run.task for run in others}))
        has = "1 run ({}) has" if len(others) == 1 else f"{len(others)} runs ({{}}) have"
        notes.append(f"{has.format(named)} no test items in common with others and cannot be compared.")
    finished = [run for run in comparable if run.status == "finished"]
    unfinished = len(comparable) - len(finished)
    if unfinished:
        notes.append(f"{unfinished} runs did not finish and are left out.")
    current = newest_state(finished)
    notes += left_out(finished, current)
    groups = group_by_seed(labels_apart([_in_its_language(run) for run in current], by_seed=False))
    levels_of = Counter((group.first.dataset, group.first.model, group.label) for group in groups)
    marked = [
        replace(group, has_other_shots=levels_of[group.first.dataset, group.first.model, group.label] > 1)
        for group in groups
    ]
    marked.sort(key=lambda group: (group.first.dataset, group.first.model, group.label, shots_order(group.first.shots)))
    return marked, notes


def is_comparable(run: RunResult) -> bool:
    """Whether a run has predictions of test items, by a task that is installed."""
    task = installed(run.task)
    return task is not None and task.Result is not None


def primary_of(run: RunResult) -> str:
    """The metric that ranks runs on a run's dataset, as its card says; of runs that do not say, their first one."""
    return run.tags.get(schema.PRIMARY_METRIC) or next(iter(run.metrics), "")


def seed_counts(runs: Sequence[RunResult]) -> dict[str, int]:
    """Number of seeds of each run's group, by run id.

    Args:
        runs: All of a suite, newest first. Runs that no table shows (see `groups`) have no entry.
    """
    return {run.run_id: len(group.runs) for group in run_groups(runs)[0] for run in group.runs}


def levels(groups: Iterable[RunGroup]) -> list[tuple[str, str]]:
    """Models and shots at which groups meet; where nothing is trained, shots 0."""
    all_groups = list(groups)
    model_shots = {(group.first.model, group.first.shots) for group in all_groups if not group.is_everywhere}
    trained = {model for model, _ in model_shots}
    model_shots |= {
        (group.first.model, "0")
        for group in all_groups
        if group.first.model != NO_MODEL and group.first.model not in trained
    }
    with_model = {level for level in model_shots if level[0] != NO_MODEL}
    return sorted(with_model or model_shots, key=lambda level: (level[0], shots_order(level[1])))


def shots_order(shots: str) -> float:
    """Numbers in their order, `all` last."""
    return float(shots) if shots.isdigit() else float("inf")


def _in_its_language(run: RunResult) -> RunResult:
    """The run, on a dataset of its language: names and captions differ between languages."""
    language = run.tags.get(schema.LANGUAGE, "en")
    name = run.dataset if language == "en" else f"{run.dataset} ({language})"
    return replace(run, dataset=name, tags={**run.tags, schema.CARD_NAME: run.card_name})
