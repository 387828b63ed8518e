"""`workbench check`."""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer, answer_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file, write_text

if TYPE_CHECKING:
    from workbench.labelling.suspects import Suspects
    from workbench.runs.reporter import Reporter
    from workbench.settings import Settings

_SHOWN = 10


@click.command("check")
@click.argument("dataset")
@click.option(
    "--group-duplicates",
    "groups_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a table of image ids and groups (.csv, .tsv, .jsonl): equal and alike images have one group.",
)
@click.option("--model", help="Look for wrong labels, too, by the features of this model.")
@click.option(
    "--suspects", "table", type=click.Path(path_type=Path), metavar="FILE",
    help="With --model: write the suspect labels here (.csv, .tsv, .parquet, .xlsx or .jsonl).",
)  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path), help="With --model: write their pictures here.")
@settings_options("device", "cache", "data")
@as_json
def command(
    dataset: str,
    groups_file: Path | None,
    model: str | None,
    table: Path | None,
    html: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Look for unreadable files, duplicates across splits, groups that straddle splits, and unfit rows; count classes.

    Exits with 1 if something was found that makes results doubtful; suspect labels alone are for you to look at.

    \b
    Example:
      workbench check photos/
      workbench check mri-planes --json
      workbench check video/ --group-duplicates groups.csv
      workbench check photos/ --model ViT-B-32/laion2b_s34b_b79k --suspects suspects.csv --html suspects.html
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets import check_in_all_languages
    from workbench.tables import check_table_name

    if groups_file is not None:
        _check_groups_file(groups_file)
    if model is None and (table is not None or html is not None):
        raise click.UsageError("--suspects and --html need --model MODEL, by which labels are judged.")
    if table is not None:
        check_output_file("--suspects", table)
        check_table_name("--suspects", table)
    check_output_file("--html", html)
    settings = load_settings(**flags)
    with ConsoleReporter() as reporter:
        report = check_in_all_languages(
            dataset, settings, lambda done, total: reporter.progress("reading images", done, total)
        )
        found = None if model is None else _suspects(dataset, model, settings, reporter)
    if as_json:
        answer_json(report.to_dict() | ({} if found is None else {"suspect_labels": found.table}))
    else:
        answer(str(report))
        if found is not None:
            answer(_in_words(found))
    if found is not None:
        _write_suspects(found, table, html)
    if groups_file is not None:
        _write_groups(groups_file, report.duplicate_groups)
    sys.exit(1 if report.problems else 0)


def _suspects(dataset: str, model: str, settings: "Settings", reporter: "Reporter") -> "Suspects":
    from workbench.datasets import open_dataset
    from workbench.features import FeatureStore
    from workbench.labelling.suspects import find_suspects
    from workbench.models import open_model

    return find_suspects(
        open_dataset(dataset, settings), open_model(model, settings), FeatureStore.of(settings),
        workers=settings.workers, progress=lambda done, total: reporter.progress("features", done, total),
    )  # fmt: skip


def _in_words(found: "Suspects") -> str:
    lines = [f"For your information: {len(found.rows)} of {found.judged} labels are suspect, most of all:"]
    lines += [
        f"        {row['id']} ({row['split']}): labelled {row['label']}, rather {row['likelier']}?"
        for row in found.table[:_SHOWN]
    ]
    return "\n".join([*lines, *found.notes])


def _write_suspects(found: "Suspects", table: Path | None, html: Path | None) -> None:
    from workbench.tables import write_table

    if table is not None:
        write_table(table, found.table)
        click.echo(f"{len(found.rows)} suspect labels are in {table}", err=True)
    if html is not None:
        write_text(html, found.sheet())
        click.echo(f"written to {html}", err=True)


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
