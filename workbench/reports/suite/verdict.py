"""The answer on a dataset: what to use, what cannot be told apart from it, and what it is worth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.metrics import higher_is_better
from workbench.runs.comparisons import GroupComparison, GroupResult, SuiteComparison
from workbench.runs.comparisons.groups import levels, shots_order
from workbench.runs.comparisons.transfers import ZERO_SHOT
from workbench.runs.planning import NO_MODEL

_Pairs = Mapping[frozenset[int], GroupComparison]


@dataclass(frozen=True)
class Place:
    """A recipe among those that it meets.

    Attributes:
        entry: Its result.
        rank: 1 and one more for each that is evidently better; those that no test tells apart share a rank.
        against_best: It against the one with the best mean; None for that one itself.
        under_baseline: Whether its mean is worse than that of the majority class.
    """

    entry: GroupResult
    rank: int
    against_best: GroupComparison | None
    under_baseline: bool

    @property
    def label(self) -> str:
        """The recipe's label."""
        return self.entry.group.label

    @property
    def gap(self) -> float:
        """Its mean minus the best one's, paired; 0 for the best itself."""
        pair = self.against_best
        if pair is None:
            return 0.0
        return pair.difference.value if pair.first is self.entry else -pair.difference.value

    @property
    def is_tied(self) -> bool:
        """Whether there is no evidence of a difference from the best, or it is the best."""
        return self.against_best is None or not self.against_best.decided


@dataclass(frozen=True)
class Verdict:
    """What a suite says of a dataset, by the comparisons of `workbench compare --suite`.

    Attributes:
        dataset: Its name.
        metric: The metric that decides.
        model: Of the model with the best mean; the recipes with it are compared with each other.
        shots: At which they are compared.
        places: Recipes at that model and shots, the best mean first; without the majority class.
        baseline: The majority class; None where it was not run.
        against_zero_shot: The best against zero-shot; None where it is zero-shot, or there is none.
        against_baseline: The best against the majority class.
        growth: The best with the most shots against the fewest.
        others: The best with each other model, which a suite compares with no recipe of this one.
        levels: Numbers of shots at which recipes were run with the model.
    """

    dataset: str
    metric: str
    model: str
    shots: str
    places: tuple[Place, ...]
    baseline: GroupResult | None
    against_zero_shot: GroupComparison | None
    against_baseline: GroupComparison | None
    growth: GroupComparison | None
    others: tuple[GroupResult, ...]
    levels: tuple[str, ...]

    @property
    def best(self) -> GroupResult:
        """The result with the best mean."""
        return self.places[0].entry

    @property
    def ties(self) -> tuple[Place, ...]:
        """Those that cannot be told apart from the best."""
        return tuple(place for place in self.places[1:] if place.is_tied)

    @property
    def cheapest(self) -> GroupResult:
        """Of the best and its ties, the one that takes least time to train, of equals the better one."""
        return min((self.best, *(place.entry for place in self.ties)), key=train_seconds)


def verdicts(comparison: SuiteComparison) -> list[Verdict]:
    """One a dataset that anything but the majority class was run on."""
    by_dataset = dict.fromkeys(entry.run.dataset for entry in comparison.results)
    found = (verdict(comparison, dataset) for dataset in by_dataset)
    return [each for each in found if each is not None]


def verdict(comparison: SuiteComparison, dataset: str, model: str | None = None) -> Verdict | None:
    """The answer on a dataset; None where nothing but the majority class was run there.

    The level is that of the best mean: its model and its shots, or the most shots where it uses none. A maximum over
    recipes flatters itself a little, so what is claimed is what the corrected tests show.

    Args:
        comparison: All of a suite.
        dataset: Name, as the comparison has it.
        model: Restricts it to a model; None takes the one with the best mean.
    """
    entries = [entry for entry in comparison.results if entry.run.dataset == dataset]
    candidates = [
        entry for entry in entries if not entry.group.is_baseline and (model is None or entry.run.model == model)
    ]
    if not candidates:
        return None
    top = _best_of(candidates)
    chosen = top.run.model
    met = [shots for name, shots in levels(entry.group for entry in entries) if name == chosen] or [top.run.shots]
    shots = max(met, key=shots_order) if top.group.is_everywhere else top.run.shots
    pairs = {
        frozenset((id(pair.first), id(pair.other))): pair
        for pair in comparison.pairs
        if pair.kind == "recipes" and dataset in (pair.first.run.dataset, pair.other.run.dataset)
    }
    baseline = next((entry for entry in entries if entry.group.is_baseline), None)
    places = _places([entry for entry in entries if entry.group.takes_part(chosen, shots)], baseline, pairs)
    zero_shot = next((place.entry for place in places if place.entry.run.recipe == ZERO_SHOT), None)
    models = dict.fromkeys(entry.run.model for entry in entries if not entry.group.is_baseline)
    return Verdict(
        dataset=dataset,
        metric=top.metric,
        model=chosen,
        shots=shots,
        places=places,
        baseline=baseline,
        against_zero_shot=_between(pairs, places[0].entry, zero_shot),
        against_baseline=_between(pairs, places[0].entry, baseline),
        growth=next((pair for pair in comparison.pairs if pair.kind == "shots" and _is_of(pair.first, top)), None),
        others=tuple(
            _best_of([entry for entry in entries if entry.run.model == other and not entry.group.is_baseline])
            for other in models
            if other not in (chosen, NO_MODEL) and model is None
        ),
        levels=tuple(met),
    )


def train_seconds(entry: GroupResult) -> float:
    """Time to train, the mean over seeds; infinite where it is not known."""
    seconds = entry.group.mean("train_seconds")
    return math.inf if math.isnan(seconds) else seconds


def _places(meeting: Sequence[GroupResult], baseline: GroupResult | None, pairs: _Pairs) -> tuple[Place, ...]:
    entries = [entry for entry in meeting if not entry.group.is_baseline]
    entries.sort(key=lambda entry: -_sign(entry) * entry.estimate.value)
    return tuple(
        Place(
            entry=entry,
            rank=1 + sum(_is_worse(pairs, entry, other) for other in entries if other is not entry),
            against_best=_between(pairs, entry, entries[0]),
            under_baseline=baseline is not None
            and _sign(entry) * entry.estimate.value < _sign(entry) * baseline.estimate.value,
        )
        for entry in entries
    )


def _is_of(entry: GroupResult, other: GroupResult) -> bool:
    """Whether both are of one recipe and model on one dataset, whatever their shots."""
    a, b = entry.run, other.run
    return (a.dataset, a.model, entry.group.label) == (b.dataset, b.model, other.group.label)


def _is_worse(pairs: _Pairs, entry: GroupResult, other: GroupResult) -> bool:
    """Whether an entry is evidently worse than another."""
    pair = _between(pairs, entry, other)
    if pair is None or not pair.decided:
        return False
    gain = _sign(entry) * pair.difference.value * (1 if pair.first is entry else -1)
    return gain < 0


def _between(pairs: _Pairs, entry: GroupResult, other: GroupResult | None) -> GroupComparison | None:
    return None if other is None else pairs.get(frozenset((id(entry), id(other))))


def _best_of(entries: Sequence[GroupResult]) -> GroupResult:
    return max(entries, key=lambda entry: _sign(entry) * entry.estimate.value)


def _sign(entry: GroupResult) -> float:
    return 1.0 if higher_is_better(entry.metric) else -1.0
