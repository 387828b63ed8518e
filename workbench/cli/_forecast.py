"""`workbench run --dry-run`: the plan, and what it will take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.cli._answers import answer, answer_json
from workbench.datasets.transfer import EACH_DOMAIN
from workbench.errors import WorkbenchError
from workbench.recipes import RunSpec
from workbench.runs.suite import Suite
from workbench.settings import Settings


def print_plan(
    specs: Sequence[RunSpec],
    suite: Suite,
    settings: Settings,
    *,
    measure: float | None,
    executor: str = "local",
    jobs: int | None = None,
    profile: Path | None = None,
    data_parallel: int = 1,
    fresh: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> None:
    """Print the planned runs and a forecast; the plan alone where `measure` is 0.

    Where the forecast cannot be made, since a dataset or a model is not there, the plan is printed with the reason.

    Args:
        specs: The plan.
        suite: The suite.
        settings: The settings.
        measure: Seconds that may be measured; None for the default.
        executor: Where runs will be made.
        jobs: As given on the command line.
        profile: As given on the command line.
        data_parallel: As given on the command line.
        fresh: Finished runs are made again.
        quiet: No progress.
        as_json: Print JSON: `runs`, and `forecast`, which is null where there is none.

    Raises:
        WorkbenchError: The executor's options are wrong.
    """
    if not as_json:
        for spec in specs:
            answer(str(spec))
        each = any(spec.transfer is not None and spec.transfer.domain == EACH_DOMAIN for spec in specs)
        answer(f"{len(specs)} runs{', those of each domain in turn counted once' if each else ''}")
    forecast, reason = None, ""
    if measure != 0:
        forecast, reason = _forecast(
            suite, settings, measure, executor, jobs, profile, data_parallel, fresh=fresh, quiet=quiet
        )
    if as_json:
        keys = ("model", "dataset", "recipe", "label", "seed")
        rows = [
            {
                **{key: getattr(spec, key) for key in keys},
                "shots": spec.shots_text,
                **({} if spec.transfer is None else {"transfer": str(spec.transfer)}),
            }
            for spec in specs
        ]
        value = None if forecast is None else forecast.to_dict()
        answer_json({"runs": rows, "forecast": value, **({"reason": reason} if reason else {})})
        return
    if forecast is not None:
        from workbench.forecast import forecast_lines

        answer("\n" + "\n".join(forecast_lines(forecast)))
    elif reason:
        answer(f"\nNo forecast: {reason}")


def _forecast(
    suite: Suite,
    settings: Settings,
    measure: float | None,
    executor: str,
    jobs: int | None,
    profile: Path | None,
    data_parallel: int,
    *,
    fresh: bool,
    quiet: bool,
) -> tuple[Any, str]:
    """The forecast, or None and why there is none."""
    from workbench.cli._progress import ConsoleReporter
    from workbench.executors import open_executor, workers_of
    from workbench.forecast import SECONDS, forecast_suite, process_seconds

    started = process_seconds()
    notes = _notes(settings, executor, jobs, profile, data_parallel)
    chosen = open_executor(executor, jobs=jobs, profile=profile, data_parallel=data_parallel)
    workers, whole_cells = workers_of(executor, jobs, profile)
    try:
        with ConsoleReporter(quiet=quiet) as reporter:
            forecast = forecast_suite(
                suite, chosen.adapt(settings) if chosen else settings, fresh=fresh,
                seconds=SECONDS if measure is None else measure, workers=workers, whole_cells=whole_cells,
                started_seconds=started, notes=notes, reporter=reporter,
            )  # fmt: skip
    except WorkbenchError as error:
        return None, str(error)
    return forecast, ""


def _notes(settings: Settings, executor: str, jobs: int | None, profile: Path | None, data_parallel: int) -> list[str]:
    """What the forecast does not reckon with."""
    from workbench.executors.profile import read_profile
    from workbench.models import resolve_device

    notes = []
    if data_parallel > 1:
        notes.append(f"--data-parallel {data_parallel} is not in it: each run is reckoned as if one process made it.")
    if executor == "ray" and jobs is None:
        notes.append("how many workers the cluster has room for is not known: one is reckoned with; --jobs says more.")
    if executor != "local":
        asked = read_profile(profile)
        gpus = asked.slurm.gpus if executor == "slurm" else asked.ray.gpus
        if gpus and resolve_device(settings.device) == "cpu":
            notes.append("the profile asks for GPUs and this machine has none: times are its own, GPU hours unknown.")
    return notes
