"""Sentences about a dataset that stand under its tables."""

from collections.abc import Collection

from workbench.tracking.results import RunResult


def notes_on_dataset(runs: Collection[RunResult]) -> tuple[str, ...]:
    """The notes of the newest run that has some, and what the newest run that knows of any says of duplicates.

    A run that reads test images alone knows of none, and may be the newest all the same.

    Args:
        runs: On one state of a dataset.
    """
    newest_first = sorted(runs, key=lambda run: run.recency, reverse=True)
    notes = next((run.dataset_notes for run in newest_first if run.dataset_notes), ())
    return (*notes, *next((run.duplicate_notes for run in newest_first if run.duplicate_notes), ()))
