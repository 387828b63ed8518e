"""Run groups and a suite's comparisons of them, as the page on comparisons shows them."""

from collections.abc import Collection, Sequence
from itertools import combinations

from dashboards.views.names import shortened_apart
from workbench.reports.suite.grids import shots_text
from workbench.runs.comparisons import GroupComparison, GroupResult, SuiteComparison
from workbench.runs.planning import NO_MODEL
from workbench.tracking import RunResult


def group_name(entry: GroupResult) -> str:
    """The group's name on its dataset: recipe, model and shots."""
    words = [entry.group.label]
    words += [] if entry.run.model == NO_MODEL else [entry.run.model]
    words += [] if entry.group.is_everywhere else [shots_text(entry.run.shots)]
    return " · ".join(words)


def pair_names(pair: GroupComparison) -> tuple[str, str]:
    """The names of the two sides of a comparison."""
    sides = pair.first, pair.other
    first, other = (group_name(side) + (f" on {side.run.dataset}" if pair.kind == "names" else "") for side in sides)
    return first, other


def pair_columns(pairs: Sequence[GroupComparison]) -> dict[str, list[str]]:
    """What is compared, a column each; a model or a number of shots that all have in common is left out."""
    columns = {
        "first": [_side(pair, pair.first) for pair in pairs],
        "other": [_side(pair, pair.other) for pair in pairs],
    }
    models, shots = [pair.model for pair in pairs], [_shots(pair) for pair in pairs]
    if len(set(models)) > 1:
        columns["model"] = shortened_apart(models)
    return columns | ({"shots": shots} if len(set(shots)) > 1 else {})


def _shots(pair: GroupComparison) -> str:
    return f"{pair.first.run.shots} and {pair.other.run.shots}" if pair.kind == "shots" else pair.shots


def _side(pair: GroupComparison, side: GroupResult) -> str:
    words = side.group.label
    if pair.kind == "recipes" and not side.group.is_everywhere and side.run.shots != pair.shots:
        words += f" · {shots_text(side.run.shots)}"
    return words + (f" on {side.run.dataset}" if pair.kind == "names" else "")


def groups_of(comparison: SuiteComparison, dataset: str) -> dict[str, GroupResult]:
    """The groups on a dataset by name."""
    return {group_name(entry): entry for entry in comparison.results if entry.run.dataset == dataset}


def pairs_shown(comparison: SuiteComparison, dataset: str, picked: Collection[str]) -> list[GroupComparison]:
    """Comparisons on a dataset; their p-values are corrected over all comparisons of the suite.

    Args:
        comparison: The suite.
        dataset: Its name.
        picked: Names of groups. None shows all comparisons, one those that it is in, more those among them.
    """
    return [
        pair
        for pair in comparison.pairs
        if dataset in {pair.first.run.dataset, pair.other.run.dataset}
        and len({group_name(pair.first), group_name(pair.other)} & set(picked)) == min(2, len(picked))
    ]


def never_met(pairs: Collection[GroupComparison], picked: Collection[str]) -> list[tuple[str, str]]:
    """Picked groups that the suite does not compare, since their model or shots differ."""
    met = {frozenset((group_name(pair.first), group_name(pair.other))) for pair in pairs}
    return [both for both in combinations(picked, 2) if frozenset(both) not in met]


def matched_runs(pair: GroupComparison) -> dict[int, tuple[RunResult, RunResult]]:
    """Two runs of a comparison that can be looked at together, by seed: of the same seed, or the only one there is."""
    first, other = ({run.seed: run for run in entry.group.runs} for entry in (pair.first, pair.other))
    only_first, only_other = (next(iter(runs.values())) if len(runs) == 1 else None for runs in (first, other))
    by_seed = {seed: (first.get(seed, only_first), other.get(seed, only_other)) for seed in sorted({*first, *other})}
    return {seed: (a, b) for seed, (a, b) in by_seed.items() if a is not None and b is not None}
