"""`workbench results`."""

import sys
from typing import Any, Literal

import click

from workbench.cli._answers import answer, answer_exactly
from workbench.cli._options import as_json, check_known, load_settings, opened_store, settings_options
from workbench.texts import json_text, plain


@click.command("results")
@click.option("--suite", help="Only this suite.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; repeatable.")
@click.option("--model", "models", multiple=True, help="Only this model; repeatable.")
@click.option("--recipe", "recipes", multiple=True, help="Only this recipe; repeatable.")
@click.option(
    "--status", multiple=True, type=click.Choice(["finished", "failed", "running", "killed"]),
    help="Only runs in this state; repeatable.",
)  # fmt: skip
@click.option("--metric", "metrics", multiple=True, help="Columns; default the primary metric and a few more.")
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "csv", "latex", "json"]), default="table",
    show_default=True,
)  # fmt: skip
@click.option("--aggregate", is_flag=True, help="One row for all seeds: mean and spread.")
@click.option(
    "--all-states", is_flag=True, help="Also runs on older states of a dataset, a model or a recipe, each apart."
)
@settings_options("tracking_uri")
@as_json
def command(
    suite: str | None,
    datasets: tuple[str, ...],
    models: tuple[str, ...],
    recipes: tuple[str, ...],
    status: tuple[str, ...],
    metrics: tuple[str, ...],
    form: Literal["table", "markdown", "csv", "latex", "json"],
    aggregate: bool,
    all_states: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Show what the store holds: best marked, intervals shown, the majority-class baseline in every table.

    Only runs on the newest state are shown: once a dataset's images, labels or texts, a model's weights or a recipe's
    code have changed, earlier numbers answer another question. The number of runs left out is printed.

    \b
    Example:
      workbench results --suite quickstart
      workbench results --dataset flowers102 --format latex > table.tex
      workbench results --json
    """
    from workbench.reports import render
    from workbench.runs.comparisons import intervals_of
    from workbench.tracking import is_on, left_out, newest_state, read_runs

    store = opened_store(load_settings(**flags))
    all_runs = read_runs(store, suite)
    # Other suites are read only if this one is empty: they can hold many thousand runs.
    if suite and not all_runs and (names := {run.suite for run in read_runs(store)}):
        check_known("--suite", [suite], names, "no run is of this suite")
    if all_runs:
        strange = [name for name in datasets if not any(is_on(run, name) for run in all_runs)]
        check_known("--dataset", strange, {run.dataset for run in all_runs}, "no run is on this dataset")
        check_known("--model", models, {run.model for run in all_runs}, "no run is of this model")
        check_known("--recipe", recipes, {run.recipe for run in all_runs}, "no run is of this recipe")
    # Before the filters: the newest run is the newest of all, not of the filtered ones.
    current = {run.run_id for run in (all_runs if all_states else newest_state(all_runs))}
    filtered = [
        run
        for run in all_runs
        if (not datasets or any(is_on(run, name) for name in datasets))
        and (not models or run.model in {*models, "none"})
        and (not recipes or run.recipe in recipes)
        and (not status or run.status in status)
    ]
    runs = [run for run in filtered if run.run_id in current]
    for sentence in left_out(filtered, runs):
        click.echo(plain(f"{sentence} --all-states shows them."), err=True)
    if not runs and not as_json and form != "json":
        if filtered:
            answer("No run is left to show.")
        elif all_runs:
            answer("No run passes all of these filters.")
        else:
            answer(f"No runs in {store.name}; `workbench run` makes some.")
        return
    text = render(
        [run.to_dict() for run in runs],
        "json" if as_json else form,
        list(metrics) or None,
        aggregate_seeds=aggregate,
        intervals=intervals_of(store) if aggregate else None,
        color=sys.stdout.isatty(),
    )
    text = text if text.endswith("\n") else f"{text}\n"
    answer_exactly(json_text(text) if as_json or form == "json" else text)
