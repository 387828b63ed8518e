"""The workbench from Python: `workbench.run(...)` and `workbench.results()`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.memory import keep_freed_memory
from workbench.runs import RecipeEntry, Suite, load_suite
from workbench.settings import Settings
from workbench.tracking import RunResult, labels_apart, newest_state, open_store, read_runs

if TYPE_CHECKING:
    import pandas as pd


def run(
    suite: str | Suite | None = None,
    *,
    models: Sequence[str] = (),
    datasets: Sequence[str] = (),
    recipes: Sequence[str | Mapping[str, Any]] = (),
    shots: Sequence[int | str] = ("all",),
    seeds: Sequence[int] = (0,),
    name: str = "adhoc",
    language: str | None = None,
    fresh: bool = False,
    raise_error: bool = False,
    **settings: Any,
) -> "pd.DataFrame":
    """Run a suite, or what the arguments name, and wait for it.

    On Linux the process keeps the memory that networks free for their next batch (`workbench.memory`).

    Args:
        suite: A suite, its name, or its file; None builds one from the other arguments.
        models: Model arguments.
        datasets: Dataset arguments.
        recipes: Names, or mappings with `recipe`, `config`, `label`, `shots`, `seeds`.
        shots: Images per class, or `all`.
        seeds: Seeds.
        name: The suite's name when none is given.
        language: Which of the cards' languages to take when no suite is given; None takes each card's own.
        fresh: Run finished runs again, too.
        raise_error: Stop at the first run that fails, once it is recorded, and raise what it failed with.
        settings: Fields of `workbench.settings.Settings`, such as `device` or `precision`.

    Returns:
        One row for each run, as `results` gives them.

    Raises:
        WorkbenchError: The plan itself is wrong; a run that fails is a row with status `failed`.
        BaseException: With `raise_error`, whatever the first failing run raised.
    """
    from workbench.runs.execute import run_suite
    from workbench.runs.failing import RunFailedError

    keep_freed_memory()
    if suite is None:
        entries = [{"recipe": entry} if isinstance(entry, str) else dict(entry) for entry in recipes]
        suite = Suite(
            name=name,
            models=tuple(models),
            datasets=tuple(datasets),
            recipes=tuple(RecipeEntry.model_validate(entry) for entry in entries),
            shots=tuple(shots),
            seeds=tuple(seeds),
            language=language,
        )
    elif isinstance(suite, str):
        suite = load_suite(suite)
    try:
        return _frame(run_suite(suite, Settings.load(**settings), fresh=fresh, raise_error=raise_error))
    except RunFailedError as failed:
        failure = failed.error
    # Outside of the handler, so that its own traceback is all that is shown.
    raise failure


def results(suite: str | None = None, *, all_states: bool = False, **settings: Any) -> "pd.DataFrame":
    """Runs in the store, newest first.

    Args:
        suite: Only this suite's.
        all_states: Also runs on older states of a dataset, a model or a recipe, which must not be averaged with others.
        settings: Fields of `workbench.settings.Settings`, such as `tracking_uri`.

    Returns:
        Columns `run_id`, `suite`, `model`, `dataset`, `field`, `task`, `recipe`, `label` (with the settings in which
        runs differ), `shots`, `seed`, `status`, `recipe.KEY` for each such setting, and one for each metric (NaN where
        a run lacks it). `attrs["left_out"]` counts the runs on older states that are left out.
    """
    everything = read_runs(open_store(Settings.load(**settings)), suite)
    shown = everything if all_states else newest_state(everything)
    frame = _frame(shown)
    frame.attrs["left_out"] = len(everything) - len(shown)
    return frame


def _frame(runs: Sequence[RunResult]) -> "pd.DataFrame":
    import pandas as pd

    keys = ("run_id", "suite", "model", "dataset", "field", "task", "recipe", "label", "shots", "seed", "status")
    swept = _swept(runs)
    rows = [
        {
            **{key: getattr(run, key) for key in keys},
            **{f"recipe.{key}": run.params.get(key) for key in swept[run.recipe]},
            **run.metrics,
        }
        for run in labels_apart(runs)
    ]
    return pd.DataFrame(rows, columns=None if rows else list(keys))


def _swept(runs: Sequence[RunResult]) -> dict[str, list[str]]:
    """Settings of each recipe in which its runs differ."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        for key, value in run.params.items():
            values[run.recipe][key].add(value)
    return defaultdict(
        list, {recipe: sorted(key for key, own in by_key.items() if len(own) > 1) for recipe, by_key in values.items()}
    )
