"""Compare runs by their ids, and with files of other tools."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.pseudonyms import Pseudonyms, is_pseudonym
from workbench.runs.comparisons.groups import seed_counts
from workbench.runs.comparisons.imported import ImportedScores, import_scores
from workbench.runs.comparisons.runs import RunComparison, compare_runs
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings
from workbench.tasks import ClassPredictions
from workbench.tracking import open_store, read_runs, schema


def compare_by_id(first: str, others: Sequence[str], metric: str | None, settings: Settings) -> list[RunComparison]:
    """Compare a run with others, see `compare_runs`.

    Args:
        first: Id of a run, or an unambiguous beginning of one.
        others: The same, or names of Parquet files with the columns `id` and `scores`.
        metric: Name as in the run record; None takes the card's primary metric.
        settings: Give the store and the cache.

    Raises:
        WorkbenchError: No such run or file, or other test items or labels; says which.
    """
    run = FinishedRun.open(first, settings)
    opened: list[FinishedRun | ImportedScores] = [
        _imported(Path(other), run, settings) if other.endswith(".parquet") else FinishedRun.open(other, settings)
        for other in others
    ]
    suites = dict.fromkeys(other.result.suite for other in (run, *opened) if isinstance(other, FinishedRun))
    seeds: dict[str, int] = {}
    for suite in suites:
        seeds |= seed_counts(read_runs(open_store(settings), suite))
    return compare_runs(run, opened, metric, seeds)


def _imported(path: Path, run: FinishedRun, settings: Settings) -> ImportedScores:
    """Scores of a file; its ids become pseudonyms where the run has those."""
    imported = import_scores(path, _class_names(run))
    key_name = run.result.tags.get(schema.PSEUDONYMS)
    if key_name is None:
        return imported
    pseudonyms = Pseudonyms.of_key(settings.cache, key_name)
    ids = [item if is_pseudonym(item) else pseudonyms.of(item) for item in imported.predictions.ids]
    predictions = replace(imported.predictions, ids=ids)
    return replace(imported, predictions=predictions)


def _class_names(run: FinishedRun) -> tuple[str, ...]:
    if not isinstance(run.predictions, ClassPredictions):
        raise WorkbenchError(
            f"run {run.result.run_id} is for {run.result.task}: scores of another tool can be compared with "
            "predictions of classes only."
        )
    return run.predictions.class_names
