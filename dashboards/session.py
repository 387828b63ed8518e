"""The data of every page: the settings, the runs, the recipes' marks, and cached access to runs and datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboards.runs import Snapshot
from dashboards.views.outlines import Outline
from dashboards.views.pictures import rows_by_id, thumbnail
from workbench.datasets import Dataset, open_dataset
from workbench.errors import WorkbenchError
from workbench.pseudonyms import Pseudonyms
from workbench.reports.colours import Mark
from workbench.runs import FinishedRun
from workbench.runs.comparisons import GroupIntervals, RunGroup, SuiteComparison, compare_suite, intervals_of
from workbench.settings import Settings
from workbench.tasks import Example, Predictions
from workbench.tracking import RunResult, Store, schema


@dataclass(frozen=True)
class Session:
    """One rerun of a page.

    Attributes:
        settings: Cache, data, store.
        snapshot: The store's runs.
    """

    settings: Settings
    snapshot: Snapshot

    @property
    def runs(self) -> Sequence[RunResult]:
        """All runs, newest first; see `RunList` for these and the following."""
        return self.snapshot.runs.all

    @property
    def finished(self) -> list[RunResult]:
        """Runs with results."""
        return self.snapshot.runs.finished

    @property
    def current(self) -> list[RunResult]:
        """Runs on the newest state of each dataset, model and recipe."""
        return self.snapshot.runs.current

    @property
    def comparable(self) -> list[RunResult]:
        """The finished runs of `current`."""
        return self.snapshot.runs.comparable

    @property
    def by_suite(self) -> Mapping[str, Sequence[RunResult]]:
        """`comparable` by suite, labelled as where their suite is compared."""
        return self.snapshot.runs.by_suite

    @property
    def marks(self) -> Mapping[str, Mark]:
        """By recipe label."""
        return self.snapshot.runs.marks

    def open_run(self, run: RunResult) -> FinishedRun:
        """A run whose artifacts can be read."""
        return FinishedRun(run, self.settings)

    def predictions(self, run: RunResult) -> Predictions:
        """A run's predictions, kept for the next rerun; raises `WorkbenchError` if they are missing."""
        predictions: Predictions = _predictions(run.run_id, FinishedRun(run, self.settings))
        return predictions

    def examples(self, run: RunResult) -> list[Example]:
        """A run's test items, the worst first, kept for the next rerun; raises `WorkbenchError` as `predictions`."""
        examples: list[Example] = _examples(run.run_id, self.predictions(run))
        return examples

    def comparison(self, suite: str, metric: str | None) -> SuiteComparison:
        """The comparison of a suite, as `workbench compare --suite` makes it, kept until the suite has another run.

        Raises:
            WorkbenchError: As `compare_suite` does.
        """
        key = self._compared(suite, metric)
        runs = [run for run in self.runs if run.suite == suite]
        comparison: SuiteComparison = _suite_comparison(*key, self.snapshot.store, runs)
        _known_comparisons().add(hash(key))
        return comparison

    def is_compared(self, suite: str, metric: str | None) -> bool:
        """Whether `comparison` has it already; of thousands of runs it takes a while."""
        return hash(self._compared(suite, metric)) in _known_comparisons()

    def _compared(self, suite: str, metric: str | None) -> tuple[str, str, str | None, tuple[object, ...]]:
        """What a comparison depends on."""
        primary = schema.PRIMARY_METRIC
        runs = tuple((run.run_id, run.dataset, run.tags.get(primary)) for run in self.finished if run.suite == suite)
        return self.snapshot.store.uri, suite, metric, runs

    def intervals(self, group: RunGroup, metric: str) -> tuple[float, float]:
        """The 95 % interval of a run group, as `workbench compare` has it, kept for the next rerun."""
        interval: tuple[float, float] = _intervals(self.snapshot.store.uri, self.snapshot.store)(group, metric)
        return interval

    def dataset_of(self, run: RunResult) -> Dataset:
        """The dataset that a run was made on, as it is now.

        Raises:
            WorkbenchError: It is not on this machine, or has changed since.
        """
        argument = self.open_run(run).dataset_argument
        dataset = self.dataset(argument, run)
        recorded = run.tags.get(schema.WHOLE) or run.tags.get("dataset.fingerprint")
        if dataset.fingerprint != recorded:
            raise WorkbenchError(f"dataset {argument!r} has changed since the run was made.")
        return dataset

    def dataset(self, argument: str, run: RunResult | None = None) -> Dataset:
        """An open dataset, kept for the next rerun; raises `WorkbenchError` if its data is not here.

        Args:
            argument: Name, card file or folder.
            run: Where it records pseudonyms, the dataset shows those, too, so that items find their pictures.
        """
        dataset: Dataset = _dataset(argument, str(self.settings.data), self.settings)
        key_name = run.tags.get(schema.PSEUDONYMS) if run else None
        if key_name is None:
            return dataset
        hidden: Dataset = _under_pseudonyms(dataset.fingerprint, key_name, dataset, self.settings.cache)
        return hidden


def key_of(dataset: Dataset) -> str:
    """A key for what is kept of a dataset with the names of its images."""
    return f"{dataset.fingerprint} {dataset.pseudonyms.key_name if dataset.pseudonyms else ''}"


def picture(dataset: Dataset, row: int, size: int = 320, outlines: tuple[Outline, ...] = ()) -> bytes | None:
    """A thumbnail, kept for the next rerun; None where the image cannot be read."""
    jpeg: bytes | None = _picture(dataset.fingerprint, row, size, outlines, dataset)
    return jpeg


def row_of(dataset: Dataset, item: str) -> int:
    """The row of an item; raises `WorkbenchError` if the dataset has no such item."""
    rows = _rows(key_of(dataset), dataset)
    if item not in rows:
        raise WorkbenchError(f"dataset {dataset.name!r} has no item {item!r}.")
    return int(rows[item])


@st.cache_resource(max_entries=16, show_spinner="Comparing everything that the suite has finished")
def _suite_comparison(
    uri: str, suite: str, metric: str | None, key: tuple[object, ...], _store: Store, _runs: Sequence[RunResult]  # noqa: ARG001
) -> SuiteComparison:  # fmt: skip
    # Of the address alone a store would not know where its files are since it was moved.
    return compare_suite(_store, suite, metric, runs=_runs)


@st.cache_resource(max_entries=1, show_spinner=False)
def _known_comparisons() -> set[int]:
    """Hashes, since a key names thousands of runs."""
    return set()


@st.cache_resource(max_entries=4, show_spinner=False)
def _intervals(uri: str, _store: Store) -> GroupIntervals:  # noqa: ARG001 - the key
    return intervals_of(_store)


@st.cache_resource(max_entries=32, show_spinner="Reading predictions")
def _predictions(run_id: str, _run: FinishedRun) -> Predictions:  # noqa: ARG001 - part of the key
    return _run.predictions


@st.cache_resource(max_entries=8, show_spinner="Sorting the test items")
def _examples(run_id: str, _predictions: Predictions) -> list[Example]:  # noqa: ARG001 - part of the key
    return _predictions.examples()


@st.cache_resource(max_entries=8, ttl=600, show_spinner="Opening the dataset")
def _dataset(argument: str, data: str, _settings: Settings) -> Dataset:  # noqa: ARG001 - part of the key
    return open_dataset(argument, _settings)


@st.cache_resource(max_entries=8, show_spinner=False)
def _under_pseudonyms(fingerprint: str, key_name: str, _dataset: Dataset, _cache: Path) -> Dataset:  # noqa: ARG001
    return _dataset.under_pseudonyms(Pseudonyms.of_key(_cache, key_name))


@st.cache_data(max_entries=4000, show_spinner=False)
def _picture(
    fingerprint: str, row: int, size: int, outlines: tuple[Outline, ...], _dataset: Dataset  # noqa: ARG001
) -> bytes | None:  # fmt: skip
    return thumbnail(_dataset, row, size, outlines)


@st.cache_resource(max_entries=8, show_spinner=False)
def _rows(key: str, _dataset: Dataset) -> dict[str, int]:  # noqa: ARG001
    return rows_by_id(_dataset)
