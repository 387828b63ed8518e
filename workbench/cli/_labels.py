"""Options of commands that label images, and what they print."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from workbench.cli._answers import answer_exactly, to_json
from workbench.cli._outputs import check_output_file, write_text
from workbench.texts import plain

F = TypeVar("F", bound=Callable[..., Any])


def label_options(function: F) -> F:
    """`--top`, `--none-below`, `--tie-within`, `--group-by` and `--output`."""
    for option in (
        click.option(
            "--output", type=click.Path(path_type=Path),
            help="Write here instead of printing CSV: .csv, .tsv, .parquet, .xlsx or .jsonl.",
        ),
        click.option(
            "--group-by",
            help="One joint answer for images of one thing: 'folder', or a regular expression for the path, whose "
            "first group names the thing.",
        ),
        click.option(
            "--tie-within", type=click.FloatRange(0, 1), default=0.1, show_default=True,
            help="Two classes are nearly tied where their probabilities differ by less.",
        ),
        click.option(
            "--none-below", type=click.FloatRange(0, 1),
            help="Answer 'none of these' where no class has this probability.",
        ),
        click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Classes for each image."),
    ):  # fmt: skip
        function = option(function)
    return function


def check_output(output: Path | None, *, as_json: bool) -> None:
    """Refuse what cannot be written, before the work; JSON goes into a file of any name."""
    from workbench.tables import check_table_name

    check_output_file("--output", output)
    if output is not None and not as_json:
        check_table_name("--output", output)


def give_rows(
    rows: Sequence[Mapping[str, Any]], output: Path | None, json_rows: Any = None, notes: Sequence[str] = ()
) -> None:
    """Print or write rows, and say how many images could not be read.

    Args:
        rows: One for each image.
        output: The file, or None to print.
        json_rows: What to give as JSON, or None for a table.
        notes: Sentences to print on stderr.
    """
    from workbench.tables import to_csv, write_table

    if output is not None:
        if json_rows is None:
            write_table(output, rows)
        else:
            write_text(output, to_json(json_rows) + "\n")
        click.echo(f"{len(rows)} images, written to {output}", err=True)
    else:
        answer_exactly(to_csv(rows) if json_rows is None else to_json(json_rows) + "\n")
    for note in notes:
        click.echo(plain(note), err=True)
    unread = sum(row.get("error") is not None for row in rows)
    if unread:
        click.echo(f"{unread} of {len(rows)} images could not be read.", err=True)
