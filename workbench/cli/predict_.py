"""`workbench predict`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._labels import check_output, give_rows, label_options
from workbench.cli._options import as_json, load_settings, settings_options


@click.command("predict")
@click.argument("run")
@click.argument("folder", type=click.Path(path_type=Path))
@label_options
@settings_options("device", "tracking_uri", "cache")
@as_json
def command(
    run: str,
    folder: Path,
    top: int,
    none_below: float | None,
    tie_within: float,
    group_by: str | None,
    output: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Apply the finished run RUN (an id, or its beginning) to all images below FOLDER.

    The answer for an image depends on the run's task: classes, a caption, a number. --none-below, --tie-within and
    --group-by are for classes of which an image has one.

    \b
    Example:
      workbench predict 3f2a photos/unsorted
      workbench predict 3f2a photos/unsorted --top 1 --group-by folder --output labels.xlsx
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.labelling import LabelRules
    from workbench.runs.apply import label_predictions, predict_folder
    from workbench.runs.finished import FinishedRun

    check_output(output, as_json=as_json)
    rules = LabelRules(top=top, none_below=none_below, tie_within=tie_within, group_by=group_by)
    opened = FinishedRun.open(run, load_settings(**flags))
    notes: list[str] = []
    with ConsoleReporter() as reporter:
        predictions = predict_folder(
            opened, folder, top=None, notes=notes,
            progress=lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    rows = label_predictions(predictions, rules, multi_label=opened.config["multi_label"])
    give_rows(rows, output, [prediction.to_dict(top) for prediction in predictions] if as_json else None, notes)
