"""`workbench results`."""

import sys
from typing import Any, Literal

import click

from workbench.cli._options import as_json, load_settings, settings_options


@click.command("results")
@click.option("--suite", help="Only this suite.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; repeatable.")
@click.option("--model", "models", multiple=True, help="Only this model; repeatable.")
@click.option("--recipe", "recipes", multiple=True, help="Only this recipe; repeatable.")
@click.option("--status", multiple=True, help="Only runs in this state (finished, failed, running, killed).")
@click.option("--metric", "metrics", multiple=True, help="Columns; default the primary metric and a few more.")
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "csv", "latex", "json"]), default="table",
    show_default=True,
)  # fmt: skip
@click.option("--aggregate", is_flag=True, help="One row for all seeds: mean and spread.")
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
    as_json: bool,
    **flags: Any,
) -> None:
    """Show what the store holds: best marked, intervals shown, the majority-class baseline in every table.

    \b
    Example:
      workbench results --suite quickstart
      workbench results --dataset flowers102 --format latex > table.tex
      workbench results --json
    """
    from workbench.reports import render
    from workbench.tracking import open_store, read_runs

    store = open_store(load_settings(**flags))
    runs = [
        run
        for run in read_runs(store, suite)
        if (not datasets or run.dataset in datasets)
        and (not models or run.model in {*models, "none"})
        and (not recipes or run.recipe in recipes)
        and (not status or run.status in status)
    ]
    if not runs and not as_json and form != "json":
        click.echo(f"No runs{f' of suite {suite!r}' if suite else ''} in {store.uri}; `workbench run` makes some.")
        return
    text = render(
        [run.to_dict() for run in runs],
        "json" if as_json else form,
        list(metrics) or None,
        aggregate_seeds=aggregate,
        color=sys.stdout.isatty(),
    )
    click.echo(text, nl=not text.endswith("\n"))
