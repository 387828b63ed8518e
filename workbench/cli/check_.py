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
    from workbench.datasets import card_languages, open_dataset
    from workbench.datasets.check import check_dataset, render_check

    settings = load_settings(**flags)
    opened = open_dataset(dataset, settings)
    # Where texts are names and templates alone, another language has no other items.
    further = card_languages(opened.card)[1:] if opened.card.reads_items else []
    others = [open_dataset(dataset, settings, language=language) for language in further]
    with ConsoleReporter() as reporter:
        report = check_dataset(
            opened, lambda done, total: reporter.progress("reading images", done, total), others=others
        )
    if as_json:
        answer_json(report.to_dict())
    else:
        answer(render_check(report))
    sys.exit(1 if report.problems else 0)
