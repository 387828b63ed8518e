"""All runs of a store under the names that pages show them by; made once for each state of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from workbench.reports.colours import Mark, marks
from workbench.runs.comparisons import run_groups
from workbench.tracking import RunResult, datasets_apart, labels_apart, newest_state, schema


@dataclass(frozen=True)
class RunList:
    """Runs, newest first.

    Attributes:
        read: As the store has them.
    """

    read: Sequence[RunResult]

    @cached_property
    def all(self) -> Sequence[RunResult]:
        """All runs; different datasets of one name get different names."""
        return datasets_apart(self.read)

    @cached_property
    def finished(self) -> list[RunResult]:
        """Runs with results."""
        return [run for run in self.all if run.status == "finished"]

    @cached_property
    def current(self) -> list[RunResult]:
        """Runs that can be compared: on the newest state of each dataset, model and recipe.

        Labels name the settings in which they differ.
        """
        return labels_apart(newest_state(self.all))

    @cached_property
    def comparable(self) -> list[RunResult]:
        """The finished runs of `current`."""
        return [run for run in self.current if run.status == "finished"]

    @cached_property
    def by_suite(self) -> Mapping[str, Sequence[RunResult]]:
        """The runs of `comparable` by suite, with the labels that the suite's comparison gives them."""
        suites: dict[str, list[RunResult]] = {}
        for run in self.finished:
            suites.setdefault(run.suite, []).append(run)
        labels = {
            run.run_id: run.label for runs in suites.values() for group in run_groups(runs)[0] for run in group.runs
        }
        shown: dict[str, list[RunResult]] = {suite: [] for suite in suites}
        for run in self.comparable:
            label = labels.get(run.run_id, run.label)
            shown[run.suite].append(replace(run, tags={**run.tags, schema.LABEL: label}))
        return shown

    @cached_property
    def marks(self) -> Mapping[str, Mark]:
        """By recipe label."""
        own = chain.from_iterable(self.by_suite.values())
        return marks(run.label for run in (*self.all, *self.current, *own))
