"""`workbench report`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._options import load_settings, opened_store, settings_options
from workbench.cli._outputs import check_output_folder


@click.command("report")
@click.argument("suite")
@click.option("--to", "folder", type=click.Path(path_type=Path), required=True, help="Folder for the report.")
@click.option("--metric", help="Metric to report; default each card's primary metric.")
@settings_options("tracking_uri", "cache")
def command(suite: str, folder: Path, metric: str | None, **flags: Any) -> None:
    """Write a report of SUITE: tables, shot curves, ranks, comparisons in words, and how the numbers were made.

    SUITE is the name of a suite that was run. The folder gets `report.html` (one file with everything in it),
    `report.md` with its figures, and `report.json`.

    \b
    Example:
      workbench report few-shot --to report/
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.reports.suite import write_report
    from workbench.runs.comparisons import compare_suite
    from workbench.runs.suite import load_suite, suite_names

    check_output_folder("--to", folder)
    settings = load_settings(**flags)
    with ConsoleReporter() as reporter:
        comparison = compare_suite(
            opened_store(settings), suite, metric, lambda done, total: reporter.progress("datasets", done, total)
        )
    description = load_suite(suite).description if suite in suite_names() else ""
    for path in write_report(comparison, folder, description):
        click.echo(str(path))
