"""What of a study is shown. Choosing changes no number: the correction counts all pairs of suite and metric."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.errors import WorkbenchError
from workbench.registry import closest
from workbench.runs.study import Study
from workbench.tracking import is_on

Only = Mapping[str, Sequence[str]]
"""`dataset`, `recipe` and `shots` to the values to show; none shows all."""


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
    entered = [entry.run for entry in study.entries]
    for name, values in only.items():
        for value in values:
            if value not in known[name] and not (name == "dataset" and any(is_on(run, value) for run in entered)):
                hint = closest(value, known[name]) or f" It has: {', '.join(sorted(known[name]))}."
                raise WorkbenchError(f"--{name} {value}: suite {study.suite!r} has none.{hint}")
    datasets, recipes, shots = (set(only.get(name, ())) for name in ("dataset", "recipe", "shots"))
    return replace(
        study,
        entries=tuple(
            entry
            for entry in study.entries
            if (not datasets or any(is_on(entry.run, name) for name in datasets))
            and (not recipes or entry.contestant.label in recipes)
            and (not shots or entry.contestant.is_everywhere or entry.run.shots in shots)
        ),
        pairs=tuple(
            pair
            for pair in study.pairs
            if (not datasets or any(is_on(pair.first.run, name) for name in datasets))
            and (not recipes or recipes & {pair.first.contestant.label, pair.other.contestant.label})
            and (not shots or pair.shots in shots)
        ),
        rankings=tuple(each for each in study.rankings if not shots or each.shots in shots),
    )
