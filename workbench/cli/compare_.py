"""`workbench compare`."""

import json
from dataclasses import asdict
from typing import Any

import click

from workbench.cli._options import as_json, load_settings, settings_options


@click.command("compare")
@click.argument("first")
@click.argument("others", nargs=-1, required=True)
@click.option("--metric", help="Metric to compare; default the card's primary metric.")
@settings_options("tracking_uri", "cache")
@as_json
def command(first: str, others: tuple[str, ...], metric: str | None, as_json: bool, **flags: Any) -> None:
    """Compare run FIRST with each of OTHERS on the same test items: paired difference, interval, Holm-corrected p.

    \b
    Example:
      workbench compare 3f2a 9c1b
      workbench compare 3f2a 9c1b 77de --metric macro_f1 --json
    """
    from workbench.runs.comparison import compare_runs
    from workbench.runs.finished import FinishedRun

    settings = load_settings(**flags)
    found = compare_runs(
        FinishedRun.open(first, settings), [FinishedRun.open(other, settings) for other in others], metric
    )
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], indent=1))
        return
    for each in found:
        click.echo(each.sentence)
        for mark in each.marks:
            click.echo(f"  note: {mark}")
