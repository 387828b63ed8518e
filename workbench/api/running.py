"""Run a suite, and read and compare the runs in the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from workbench.api.arguments import PathText, as_list, as_path, as_text, read_settings
from workbench.errors import WorkbenchError
from workbench.memory import keep_freed_memory
from workbench.runs import Suite, load_suite
from workbench.runs.comparisons import SuiteComparison
from workbench.runs.comparisons import compare_suite as compare_groups_of_suite
from workbench.runs.comparisons.opening import compare_by_id
from workbench.runs.comparisons.runs import RunComparison
from workbench.tracking import RunResult, is_on, labels_apart, newest_state, open_store, read_runs
from workbench.validation import explain

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("run_id", "suite", "model", "dataset", "field", "task", "recipe", "label", "shots", "seed", "status")


def run(
    suite: PathText | Suite | None = None,
    *,
    models: PathText | Iterable[PathText] = (),
    datasets: PathText | Iterable[PathText] = (),
    recipes: str | Mapping[str, Any] | Iterable[str | Mapping[str, Any]] = (),
    shots: int | str | Iterable[int | str] = "all",
    seeds: int | Iterable[int] = 0,
    name: str = "adhoc",
    language: str | None = None,
    transfer: Mapping[str, Any] | Iterable[Mapping[str, Any]] = (),
    fresh: bool = False,
    raise_error: bool = False,
    executor: str = "local",
    jobs: int | None = None,
    data_parallel: int = 1,
    profile: PathText | None = None,
    follow: bool = True,
    **settings: Any,
) -> "pd.DataFrame":
    """Run a suite, or what the arguments name, and wait for it.

    On Linux the process keeps the memory that networks free for their next batch (`workbench.memory`).

    Args:
        suite: A suite, its name, or its file; None builds one from the other arguments.
        models: Model arguments.
        datasets: Dataset arguments: names, card files or folders.
        recipes: Names, or mappings with `recipe`, `config`, `label`, `shots`, `seeds`.
        shots: Images per class, or `all`.
        seeds: Seeds.
        name: The suite's name when none is given.
        language: The cards' language to take when no suite is given; None takes each card's own.
        transfer: What is fitted on one dataset or domain and tested on others, when no suite is given: mappings with
            the keys of `[[transfer]]`.
        fresh: Run finished runs again, too.
        raise_error: Stop at the first run that fails, once it is recorded, and raise what it failed with.
        executor: Where runs are made: `local` for this machine, `slurm` for a queue, `ray` for a cluster.
        jobs: Processes of this machine that make runs, None for this process alone; or Ray's workers.
        data_parallel: Processes that train each run together, each on a GPU of its own.
        profile: TOML file that says what the queue or the cluster is asked for.
        follow: Wait for the queue; otherwise only runs that were finished before are returned.
        settings: Fields of `workbench.Settings`, such as `device` or `precision`.

    Returns:
        One row for each run, as `results` gives them.

    Raises:
        WorkbenchError: The plan itself is wrong; a run that fails is a row with status `failed`.
        BaseException: With `raise_error`, the error of the first failing run.
    """
    from workbench.executors import open_executor
    from workbench.runs.execute import run_suite
    from workbench.runs.failing import RunFailedError

    keep_freed_memory()
    if suite is None:
        values = {
            "name": name,
            "models": as_list(models),
            "datasets": as_list(datasets),
            "recipes": [{"recipe": entry} if isinstance(entry, str) else entry for entry in as_list(recipes)],
            "shots": as_list(shots),
            "seeds": as_list(seeds),
            "language": language,
            "transfer": [_with_texts(entry) for entry in as_list(transfer)],
        }
        try:
            chosen = Suite.model_validate(values)
        except ValidationError as error:
            raise WorkbenchError(explain(error, Suite)) from error
    else:
        chosen = suite if isinstance(suite, Suite) else load_suite(as_text(suite))
    chosen_executor = open_executor(
        executor,
        jobs=jobs,
        profile=None if profile is None else as_path(profile),
        follow=follow and executor == "slurm",
        raise_error=raise_error,
        data_parallel=data_parallel,
    )
    try:
        return _frame(
            run_suite(
                chosen, read_settings(run, settings), fresh=fresh, raise_error=raise_error, executor=chosen_executor
            )
        )
    except RunFailedError as failed:
        failure = failed.error
    # Outside of the handler, so that its own traceback is all that is shown.
    raise failure


def results(
    suite: str | None = None,
    *,
    datasets: PathText | Iterable[PathText] = (),
    models: PathText | Iterable[PathText] = (),
    recipes: str | Iterable[str] = (),
    status: str | Iterable[str] = (),
    all_states: bool = False,
    **settings: Any,
) -> "pd.DataFrame":
    """Runs in the store, newest first.

    Args:
        suite: Only this suite's.
        datasets: Only those on these datasets, as the column `dataset` has them.
        models: Only those of these models.
        recipes: Only those of these recipes.
        status: Only those in these states: `finished`, `failed`, `running`, `killed`.
        all_states: Also runs on older states of a dataset, a model or a recipe, which must not be averaged with others.
        settings: Fields of `workbench.Settings`, such as `tracking_uri`.

    Returns:
        Columns `run_id`, `suite`, `model`, `dataset`, `field`, `task`, `recipe`, `label` (with the settings in which
        runs differ), `shots`, `seed`, `status`, `recipe.KEY` for each such setting, and one for each metric (NaN where
        a run lacks it). `attrs["left_out"]` counts the runs on older states that are left out.
    """
    all_runs = read_runs(open_store(read_settings(results, settings)), suite)
    # Before the filters: the newest run is the newest of all, not of the filtered ones.
    current = {run.run_id for run in (all_runs if all_states else newest_state(all_runs))}
    on, of, by, states = as_list(datasets), as_list(models), as_list(recipes), as_list(status)
    chosen = [
        run
        for run in all_runs
        if (not on or any(is_on(run, dataset) for dataset in on))
        and (not of or run.model in of)
        and (not by or run.recipe in by)
        and (not states or run.status in states)
    ]
    shown = [run for run in chosen if run.run_id in current]
    frame = _frame(shown)
    frame.attrs["left_out"] = len(chosen) - len(shown)
    return frame


def compare(first: str, *others: PathText, metric: str | None = None, **settings: Any) -> list[RunComparison]:
    """Compare a run with others on the test items that they have in common; `print` of one is a sentence.

    Args:
        first: Id of a run, or an unambiguous beginning of one.
        others: Ids of runs, or Parquet files of other tools with the columns `id` and `scores`.
        metric: Name as in the run record; None takes the card's primary metric.
        settings: Fields of `workbench.Settings`, such as `tracking_uri`.

    Returns:
        One for each of `others`: the paired difference (first minus other) with its 95 % interval, and p-values that
        are Holm-corrected over them.

    Raises:
        WorkbenchError: No such run, or other test items or labels; says which.
    """
    if not others:
        raise WorkbenchError("compare: give at least one run to compare with.")
    return compare_by_id(first, [as_text(other) for other in others], metric, read_settings(compare, settings))


def compare_suite(suite: str, metric: str | None = None, **settings: Any) -> SuiteComparison:
    """Compare everything that a suite has finished, seeds and test items resampled together.

    Args:
        suite: Its name.
        metric: Name as in the run record; None takes each dataset's primary metric.
        settings: Fields of `workbench.Settings`, such as `tracking_uri`.

    Raises:
        WorkbenchError: The suite has no finished run, or no dataset has the metric.
    """
    return compare_groups_of_suite(open_store(read_settings(compare_suite, settings)), suite, metric)


def report(suite: str, to: PathText, metric: str | None = None, **settings: Any) -> list[Path]:
    """Write a suite's comparison as HTML, Markdown, LaTeX and figures.

    Args:
        suite: Its name.
        to: The folder, made where it is missing.
        metric: Name as in the run record; None takes each dataset's primary metric.
        settings: Fields of `workbench.Settings`, such as `tracking_uri`.

    Returns:
        The files.

    Raises:
        WorkbenchError: The suite has no finished run, or no dataset has the metric.
    """
    from workbench.reports.suite import write_report

    store = open_store(read_settings(report, settings))
    return write_report(compare_groups_of_suite(store, suite, metric), as_path(to))


def _with_texts(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A `[[transfer]]` whose datasets may be paths, and its targets one."""
    texts = {key: as_text(entry[key]) for key in ("source", "dataset") if entry.get(key) is not None}
    return {**entry, **texts, **({"targets": as_list(entry["targets"])} if "targets" in entry else {})}


def _frame(runs: Sequence[RunResult]) -> "pd.DataFrame":
    import pandas as pd

    swept = _swept(runs)
    rows = [
        {
            **{key: getattr(run, key) for key in _COLUMNS},
            **{f"recipe.{key}": run.params.get(key) for key in swept[run.recipe]},
            **run.metrics,
        }
        for run in labels_apart(runs)
    ]
    return pd.DataFrame(rows, columns=None if rows else list(_COLUMNS))


def _swept(runs: Sequence[RunResult]) -> dict[str, list[str]]:
    """Settings of each recipe in which its runs differ."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        for key, value in run.params.items():
            values[run.recipe][key].add(value)
    return defaultdict(
        list,
        {recipe: sorted(key for key, known in by_key.items() if len(known) > 1) for recipe, by_key in values.items()},
    )
