"""Select a part of a comparison. This changes no number: the correction counts all pairs of suite and metric."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from workbench.errors import WorkbenchError
from workbench.registry import closest
from workbench.runs.comparisons import GroupResult, SuiteComparison
from workbench.tracking import is_on

Filters = Mapping[str, Sequence[str]]
"""`dataset`, `recipe` and `shots` to the values to show; none shows all."""


_IS: Mapping[str, Callable[[GroupResult, str], bool]] = {
    "dataset": lambda entry, name: is_on(entry.run, name),
    # A recipe's name means it with all of its settings.
    "recipe": lambda entry, name: name == entry.run.recipe or f"{entry.group.label} (".startswith(f"{name} ("),
    "shots": lambda entry, shots: entry.run.shots == shots,
}
"""Whether an entry matches a filter's value."""


def select(comparison: SuiteComparison, filters: Filters) -> SuiteComparison:
    """The entries, pairs and rankings that match the filters.

    Raises:
        WorkbenchError: No entry has a value of a filter.
    """
    known = {
        "dataset": {entry.run.dataset for entry in comparison.results},
        "recipe": {entry.group.label for entry in comparison.results},
        "shots": {entry.run.shots for entry in comparison.results},
    }
    for name, values in filters.items():
        for value in values:
            if not any(_IS[name](entry, value) for entry in comparison.results):
                hint = closest(value, known[name]) or f" It has: {', '.join(sorted(known[name]))}."
                raise WorkbenchError(f"--{name} {value}: suite {comparison.suite!r} has none.{hint}")
    datasets, recipes, shots = (set(filters.get(name, ())) for name in ("dataset", "recipe", "shots"))

    def is_one_of(values: set[str], name: str, *entries: GroupResult) -> bool:
        return not values or any(_IS[name](entry, value) for value in values for entry in entries)

    return replace(
        comparison,
        results=tuple(
            entry
            for entry in comparison.results
            if is_one_of(datasets, "dataset", entry)
            and is_one_of(recipes, "recipe", entry)
            and (not shots or entry.group.is_everywhere or entry.run.shots in shots)
        ),
        pairs=tuple(
            pair
            for pair in comparison.pairs
            if is_one_of(datasets, "dataset", pair.first, pair.other)
            and is_one_of(recipes, "recipe", pair.first, pair.other)
            and (not shots or pair.shots in shots)
        ),
        curves=tuple(
            curve
            for curve in comparison.curves
            if is_one_of(datasets, "dataset", *curve.entries) and is_one_of(recipes, "recipe", *curve.entries)
        ),
        rankings=tuple(ranking for ranking in comparison.rankings if not shots or ranking.shots in shots),
    )
