"""`workbench check`."""

import sys
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options


@click.command("check")
@click.argument("dataset")
@settings_options("cache", "data")
@as_json
def command(dataset: str, as_json: bool, **flags: Any) -> None:
    """Look for unreadable files, duplicates across splits, groups that straddle splits, and unfit rows; count classes.

    Exits with 1 if something was found that makes results doubtful.

    \b
    Example:
      workbench check photos/
      workbench check mri-planes --json
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets import check_in_all_languages

    with ConsoleReporter() as reporter:
        report = check_in_all_languages(
            dataset, load_settings(**flags), lambda done, total: reporter.progress("reading images", done, total)
        )
    if as_json:
        answer_json(report.to_dict())
    else:
        answer(str(report))
    sys.exit(1 if report.problems else 0)
