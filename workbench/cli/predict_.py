"""`workbench predict`."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli._answers import answer_exactly, to_json
from workbench.cli._options import as_json, load_settings, settings_options
from workbench.cli._outputs import check_output_file, write_text
from workbench.texts import spreadsheet

if TYPE_CHECKING:
    from workbench.runs.apply import Prediction


@click.command("predict")
@click.argument("run")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--top", default=5, show_default=True, type=click.IntRange(1), help="Classes named for each image.")
@click.option("--output", type=click.Path(path_type=Path), help="Write here instead of printing.")
@settings_options("device", "tracking_uri", "cache")
@as_json
def command(run: str, folder: Path, top: int, output: Path | None, as_json: bool, **flags: Any) -> None:
    """Apply the finished run RUN (an id, or its beginning) to all images below FOLDER.

    The answer for an image depends on the run's task: classes, a caption, a number.

    \b
    Example:
      workbench predict 3f2a photos/unsorted
      workbench predict 3f2a photos/unsorted --top 1 --output labels.csv
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.runs.apply import predict_folder
    from workbench.runs.finished import FinishedRun

    check_output_file("--output", output)
    with ConsoleReporter() as reporter:
        predictions = predict_folder(
            FinishedRun.open(run, load_settings(**flags)), folder, top=top,
            progress=lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    text = to_json([prediction.to_dict() for prediction in predictions]) + "\n" if as_json else _csv(predictions)
    if output is None:
        answer_exactly(text)
    else:
        write_text(output, text)
    unread = sum(prediction.error is not None for prediction in predictions)
    if unread:
        click.echo(f"{unread} of {len(predictions)} images could not be read.", err=True)


def _csv(predictions: "list[Prediction]") -> str:
    out = io.StringIO()
    # File names, classes and captions come from data, and may be opened in a spreadsheet.
    csv.writer(out).writerows([*map(spreadsheet, row)] for row in _rows(predictions))
    return out.getvalue()


def _rows(predictions: "list[Prediction]") -> list[list[str]]:
    columns = list(dict.fromkeys(key for prediction in predictions for key in prediction.answer))
    rows = [
        [prediction.file, *(_cell(prediction.answer.get(key)) for key in columns), prediction.error or ""]
        for prediction in predictions
    ]
    return [["file", *columns, "error"], *rows]


def _cell(value: Any) -> str:
    """An answer in a cell; of several the likeliest first."""
    if isinstance(value, tuple | list):
        return "|".join(map(_cell, value))
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)
