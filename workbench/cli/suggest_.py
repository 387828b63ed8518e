"""`workbench suggest`."""

import time
from pathlib import Path
from typing import Any

import click

from workbench.cli._labels import check_output, give_rows
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file, write_text


@click.command("suggest")
@click.argument("run")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--n", "count", default=50, show_default=True, type=click.IntRange(1), help="Images to label next.")
@click.option(
    "--by", type=click.Choice(["both", "uncertainty", "diversity"]), default="both", show_default=True,
    help="The least sure, those unlike all others, or different ones among the least sure.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path),
    help="Write here instead of printing CSV: .csv, .tsv, .parquet, .xlsx or .jsonl.",
)  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path), help="Write a contact sheet here, pictures inside.")
@settings_options("device", "tracking_uri", "cache", "data")
@as_json
def command(
    run: str,
    folder: Path,
    count: int,
    by: Any,
    output: Path | None,
    html: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Choose the images below FOLDER to label next, by the finished run RUN (an id, or its beginning).

    Images that the run's dataset holds already are left out. `workbench label FOLDER --files LIST` takes the list.

    \b
    Example:
      workbench suggest 3f2a photos/unsorted --n 50 --output next.csv --html next.html
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.runs.finished import FinishedRun
    from workbench.runs.suggesting import suggest

    began = time.perf_counter()
    check_output(output, as_json=as_json)
    check_output_file("--html", html)
    opened = FinishedRun.open(run, load_settings(**flags))
    with ConsoleReporter() as reporter:
        found = suggest(
            opened, folder, count, by, progress=lambda done, total: reporter.progress("features", done, total)
        )
    give_rows(found.rows, output, began, found.rows if as_json else None, found.notes)
    if html is not None:
        write_text(html, found.sheet(f"{len(found.positions)} images of {folder.name} to label next"))
        click.echo(f"written to {html}", err=True)
