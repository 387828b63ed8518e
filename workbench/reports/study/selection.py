"""What of a study is shown. Choosing changes no number: the correction counts all pairs of suite and metric."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from workbench.errors import WorkbenchError
from workbench.registry import closest
from workbench.runs.study import Entry, Study
from workbench.tracking import is_on

Only = Mapping[str, Sequence[str]]
"""`dataset`, `recipe` and `shots` to the values to show; none shows all."""


_IS: Mapping[str, Callable[[Entry, str], bool]] = {
    "dataset": lambda entry, name: is_on(entry.run, name),
    # A recipe's name means it with all of its settings.
    "recipe": lambda entry, name: name == entry.run.recipe or f"{entry.contestant.label} (".startswith(f"{name} ("),
    "shots": lambda entry, shots: entry.run.shots == shots,
}
"""Whether an entry is what a value asks for."""


def select(study: Study, only: Only) -> Study:
    """The entries, pairs and rankings that were asked for.

    Raises:
        WorkbenchError: Nothing in the study has a value that was asked for.
    """
    known = {
        "dataset": {entry.run.dataset for entry in study.entries},
        "recipe": {entry.contestant.label for entry in study.entries},
        "shots": {entry.run.shots for entry in study.entries},
    }
    for name, values in only.items():
        for value in values:
            if not any(_IS[name](entry, value) for entry in study.entries):
                hint = closest(value, known[name]) or f" It has: {', '.join(sorted(known[name]))}."
                raise WorkbenchError(f"--{name} {value}: suite {study.suite!r} has none.{hint}")
    datasets, recipes, shots = (set(only.get(name, ())) for name in ("dataset", "recipe", "shots"))

    def is_one_of(values: set[str], name: str, *entries: Entry) -> bool:
        return not values or any(_IS[name](entry, value) for value in values for entry in entries)

    return replace(
        study,
        entries=tuple(
            entry
            for entry in study.entries
            if is_one_of(datasets, "dataset", entry)
            and is_one_of(recipes, "recipe", entry)
            and (not shots or entry.contestant.is_everywhere or entry.run.shots in shots)
        ),
        pairs=tuple(
            pair
            for pair in study.pairs
            if is_one_of(datasets, "dataset", pair.first, pair.other)
            and is_one_of(recipes, "recipe", pair.first, pair.other)
            and (not shots or pair.shots in shots)
        ),
        rankings=tuple(each for each in study.rankings if not shots or each.shots in shots),
    )
