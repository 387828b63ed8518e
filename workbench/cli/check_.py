"""`workbench check`."""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file


@click.command("check")
@click.argument("dataset")
@click.option(
    "--group-duplicates",
    "groups_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a table of image ids and groups (.csv, .tsv, .jsonl): equal and alike images have one group.",
)
@settings_options("cache", "data")
@as_json
def command(dataset: str, groups_file: Path | None, as_json: bool, **flags: Any) -> None:
    """Look for unreadable files, duplicates across splits, groups that straddle splits, and unfit rows; count classes.

    Exits with 1 if something was found that makes results doubtful.

    \b
    Example:
      workbench check photos/
      workbench check mri-planes --json
      workbench check video/ --group-duplicates groups.csv
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets import check_in_all_languages

    if groups_file is not None:
        _check_groups_file(groups_file)
    with ConsoleReporter() as reporter:
        report = check_in_all_languages(
            dataset, load_settings(**flags), lambda done, total: reporter.progress("reading images", done, total)
        )
    if as_json:
        answer_json(report.to_dict())
    else:
        answer(str(report))
    if groups_file is not None:
        _write_groups(groups_file, report.duplicate_groups)
    sys.exit(1 if report.problems else 0)


def _check_groups_file(path: Path) -> None:
    from workbench.datasets.group_table import GROUP_TABLE_SUFFIXES
    from workbench.errors import WorkbenchError

    check_output_file("--group-duplicates", path)
    if path.suffix.lower() not in GROUP_TABLE_SUFFIXES:
        raise WorkbenchError(f"--group-duplicates {path}: its name must end in {', '.join(GROUP_TABLE_SUFFIXES)}.")


def _write_groups(path: Path, groups: Mapping[str, str]) -> None:
    from workbench.tables import write_table

    write_table(path, [{"id": image, "group": group} for image, group in groups.items()])
    sizes = Counter(groups.values())
    several = sum(size > 1 for size in sizes.values())
    click.echo(
        f"{len(sizes)} groups, {several} of several images (the largest of {max(sizes.values())}), are in {path}. "
        f"A card takes them, and makes splits by them: [splits] groups = {path.name!r}, by = 'group'.",
        err=True,
    )
