"""`workbench run`."""

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli._answers import answer, answer_exactly, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.texts import harmless, json_text


@click.command("run")
@click.argument("suite", required=False)
@click.option("--model", "models", multiple=True, help="Model argument; repeatable.")
@click.option("--dataset", "datasets", multiple=True, help="Registered name, card file or folder; repeatable.")
@click.option("--recipe", "recipes", multiple=True, help="Recipe name; repeatable.")
@click.option("--shots", multiple=True, help="Training images a class (in all without classes), or `all`; repeatable.")
@click.option("--seed", "seeds", multiple=True, type=int, help="Seed; repeatable.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="RECIPE.KEY=VALUE",
    help="A recipe's setting; repeatable. Several values of one key are a sweep: the recipe runs with each.",
)
@click.option("--name", help="Name of the suite (MLflow experiment) when no suite is given; default `adhoc`.")
@click.option("--language", help="Language of names, prompts and captions, where the cards have it (en, ja).")
@click.option("--refit", is_flag=True, default=None, help="Fit once more on train and validation together.")
@click.option(
    "--limit", type=float, metavar="SECONDS", help="Give a run up that takes longer, and go on [limit_seconds]."
)
@click.option(
    "--executor", type=click.Choice(["local", "slurm", "ray"]), default="local", show_default=True,
    help="Where runs are made: on this machine, by a SLURM queue, or on a Ray cluster.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1, 1024), metavar="N",
    help="Processes of this machine that make runs, GPUs and cores shared out to them (default 1); or Ray's workers.",
)  # fmt: skip
@click.option(
    "--data-parallel", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
    help="Processes that train each run together, each on a GPU of its own and with its share of every batch.",
)  # fmt: skip
@click.option("--profile", type=click.Path(path_type=Path), help="TOML file: what the queue or cluster is asked for.")
@click.option("--follow", is_flag=True, help="Wait for the queue; otherwise see `workbench jobs`.")
@click.option("--dry-run", is_flag=True, help="Print the plan and a forecast of what it takes, and stop.")
@click.option(
    "--measure", type=click.FloatRange(min=0), metavar="SECONDS",
    help="Longest time that --dry-run measures (default 30); 0 prints the plan alone.",
)  # fmt: skip
@click.option("--fresh", is_flag=True, help="Run finished runs again; each replaces the old one.")
@click.option(
    "--raise-error", is_flag=True,
    help="Stop at the first run that fails, once it is recorded, and print its traceback: for writing a recipe.",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress.")
@settings_options("device", "precision", "preprocessing", "tracking_uri", "cache", "data", "max_unreadable", "hash_ids")
@as_json
def command(
    suite: str | None,
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    recipes: tuple[str, ...],
    shots: tuple[str, ...],
    seeds: tuple[int, ...],
    assignments: tuple[str, ...],
    name: str | None,
    language: str | None,
    refit: bool | None,
    limit: float | None,
    executor: str,
    jobs: int | None,
    data_parallel: int,
    profile: Path | None,
    follow: bool,
    dry_run: bool,
    measure: float | None,
    fresh: bool,
    raise_error: bool,
    quiet: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Run a suite (a name or a .toml file), or what the options name. Options replace a suite's own values.

    \b
    Example:
      workbench run quickstart
      workbench run --model offline-lite --dataset photos/ --recipe linear-probe --shots 4 --shots 16 --seed 0 --seed 1
      workbench run botany --recipe lora --set lora.rank=8 --dry-run
      workbench run botany --recipe lora --set lora.rank=4 --set lora.rank=16
      workbench run few-shot --jobs 4
      workbench run few-shot --executor slurm --profile cluster.toml --follow
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.cli._suite import assemble
    from workbench.runs.planning import plan
    from workbench.tracking import open_store

    settings = load_settings(**flags)
    chosen = assemble(suite, models, datasets, recipes, shots, seeds, assignments, name, refit, language, limit)
    if dry_run:
        from workbench.cli._forecast import print_plan

        print_plan(
            plan(chosen), chosen, settings, measure=measure, executor=executor, jobs=jobs, profile=profile,
            data_parallel=data_parallel, fresh=fresh, quiet=quiet, as_json=as_json,
        )  # fmt: skip
        return
    if measure is not None:
        raise click.UsageError("--measure goes with --dry-run.")
    from workbench.executors import open_executor
    from workbench.runs.execute import run_suite
    from workbench.runs.failing import RunFailedError, traceback_text

    chosen_executor = open_executor(
        executor, jobs=jobs, profile=profile, follow=follow, raise_error=raise_error, data_parallel=data_parallel
    )
    try:
        with ConsoleReporter(quiet=quiet) as reporter:
            results = run_suite(
                chosen, settings, fresh=fresh, raise_error=raise_error, reporter=reporter, executor=chosen_executor
            )
    except RunFailedError as failed:
        click.echo(harmless(traceback_text(failed.error)), err=True)
        if as_json:
            answer_json({"error": failed.reason})
        sys.exit(1)
    store = open_store(settings)
    from workbench.reports import render

    text = render([run.to_dict() for run in results], "json" if as_json else "table")
    answer_exactly(f"{json_text(text) if as_json else text}\n")
    if not as_json:
        place = store.sqlite_file or store.name
        answer(f"\nMLflow store: {_short(place)}\nResults:      workbench results --suite {chosen.name}")
        answer("Dashboard:    workbench dashboard" + ("" if store.sqlite_file else f" --tracking-uri {store.name}"))
    waits = any(entry.record.suite == chosen.name for entry in store.spool.entries(store.server))
    if waits or any(run.status != "finished" for run in results):
        sys.exit(1)


def _short(place: Path | str) -> str:
    if isinstance(place, Path):
        try:
            return str(place.relative_to(Path.cwd()))
        except ValueError:
            return str(place)
    return place
