"""Runs of a suite gathered into contestants: one recipe with its settings, on one dataset, at one number of shots."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.runs.planning import NO_MODEL
from workbench.tasks import installed
from workbench.tracking import RunResult, labels_apart, left_out, newest_state, schema

BASELINE = "majority-class"


@dataclass(frozen=True)
class Contestant:
    """Finished runs that differ in nothing but the seed.

    Attributes:
        label: What tables call the recipe; unique for its settings.
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
    def is_baseline(self) -> bool:
        """Whether it is the majority class."""
        return self.first.recipe == BASELINE

    @property
    def is_everywhere(self) -> bool:
        """Whether it takes part at every number of shots: it uses no training image, or no model and all labels."""
        if self.first.shots == "0":
            return True
        # Else it would meet itself: with few labels there is a run of its own.
        return self.first.model == NO_MODEL and self.first.shots == "all" and not self.has_other_shots

    @property
    def train_images(self) -> float:
        """Training images, the mean over seeds."""
        return sum(run.metrics.get("train_images", 0.0) for run in self.runs) / len(self.runs)

    def takes_part(self, model: str, shots: str) -> bool:
        """Whether it stands beside others of `model` at `shots`."""
        return self.first.model in (model, NO_MODEL) and (self.is_everywhere or self.first.shots == shots)


def contestants(runs: Sequence[RunResult]) -> tuple[list[Contestant], list[str]]:
    """Gather finished runs.

    Runs on another state of the dataset, the model or the recipe, or of another precision than the newest run's, are
    left out (see `newest_state`), and so is all but the newest of several runs with the same settings and seed.

    Args:
        runs: Newest first.

    Returns:
        Contestants in the order of dataset, model, label and shots, and sentences about what was left out.
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
    by_label: dict[tuple[str, ...], dict[int, RunResult]] = defaultdict(dict)
    for run in labels_apart([_in_its_language(run) for run in current], by_seed=False):
        by_label[run.dataset, run.model, run.label, run.shots].setdefault(run.seed, run)
    swept = Counter(key[:3] for key in by_label)
    found = [
        Contestant(key[2], tuple(own[seed] for seed in sorted(own)), swept[key[:3]] > 1)
        for key, own in by_label.items()
    ]
    found.sort(key=lambda one: (one.first.dataset, one.first.model, one.label, shots_order(one.first.shots)))
    return found, notes


def is_comparable(run: RunResult) -> bool:
    """Whether a run has predictions of test items, by a task that is installed."""
    task = installed(run.task)
    return task is not None and task.Result is not None


def primary_of(run: RunResult) -> str:
    """The metric that ranks runs on a run's dataset, as its card says; of runs that do not say, their first one."""
    return run.tags.get(schema.PRIMARY_METRIC) or next(iter(run.metrics), "")


def seeds_beside(runs: Sequence[RunResult]) -> dict[str, int]:
    """How many seeds there are of what each run is one of, by run id.

    Args:
        runs: All of a suite, newest first. Runs that no table shows (see `contestants`) have no entry.
    """
    return {run.run_id: len(one.runs) for one in contestants(runs)[0] for run in one.runs}


def levels(among: Iterable[Contestant]) -> list[tuple[str, str]]:
    """Models and shots at which contestants meet; where nothing is trained, shots 0."""
    everyone = list(among)
    found = {(one.first.model, one.first.shots) for one in everyone if not one.is_everywhere}
    trained = {model for model, _ in found}
    found |= {
        (one.first.model, "0") for one in everyone if one.first.model != NO_MODEL and one.first.model not in trained
    }
    real = {level for level in found if level[0] != NO_MODEL}
    return sorted(real or found, key=lambda level: (level[0], shots_order(level[1])))


def shots_order(shots: str) -> float:
    """Numbers in their order, `all` last."""
    return float(shots) if shots.isdigit() else float("inf")


def _in_its_language(run: RunResult) -> RunResult:
    """A dataset in another language is another dataset: its names and captions are others."""
    language = run.tags.get(schema.LANGUAGE, "en")
    name = run.dataset if language == "en" else f"{run.dataset} ({language})"
    return replace(run, dataset=name, tags={**run.tags, schema.CARD_NAME: run.card_name})
