"""`workbench predict`."""

import time
from pathlib import Path
from typing import Any

import click

from workbench.cli._labels import check_output, give_rows, label_options
from workbench.cli._options import as_json, load_settings, settings_options


@click.command("predict")
@click.argument("run")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--text", "texts", multiple=True, help="Retrieval, matching, grounding: a sentence; repeatable.")
@click.option("--texts", "texts_file", type=click.Path(path_type=Path), help="Sentences, one a line.")
@click.option(
    "--boxes", type=click.Path(path_type=Path),
    help="Grounding: boxes of the images, JSON as a detector writes it; without it, the whole image is searched.",
)  # fmt: skip
@click.option(
    "--least-score", type=click.FloatRange(0, 1), default=0.0, help="Leave out boxes that the detector scores lower."
)  # fmt: skip
@click.option(
    "--heat-maps", type=click.Path(path_type=Path),
    help="Grounding without boxes: write how well each place fits, FILE/NUMBER.png and .npy in this folder.",
)  # fmt: skip
@label_options
@settings_options("device", "tracking_uri", "cache")
@as_json
def command(
    run: str,
    folder: Path,
    texts: tuple[str, ...],
    texts_file: Path | None,
    boxes: Path | None,
    least_score: float,
    heat_maps: Path | None,
    top: int,
    none_below: float | None,
    tie_within: float,
    group_by: str | None,
    output: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Apply the finished run RUN (an id, or its beginning) to all images below FOLDER.

    The answer for an image depends on the run's task: classes, a caption, a number; with --text the texts that fit it
    best (retrieval, matching), or the box or place that each means (grounding). --none-below, --tie-within and
    --group-by are for classes of which an image has one.

    \b
    Example:
      workbench predict 3f2a photos/unsorted
      workbench predict 3f2a photos/unsorted --top 1 --group-by folder --output labels.xlsx
      workbench predict 7c01 frames/ --text "the blue box on the desk" --boxes detections.json
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets.detections import read_detections
    from workbench.labelling import LabelRules
    from workbench.runs.apply import label_predictions, predict_anything
    from workbench.runs.usable import UsableRun

    began = time.perf_counter()
    check_output(output, as_json=as_json)
    rules = LabelRules(top=top, none_below=none_below, tie_within=tie_within, group_by=group_by)
    sentences = [*texts, *([] if texts_file is None else _lines(texts_file))]
    opened = UsableRun.open(run, load_settings(**flags))
    detections = None if boxes is None else read_detections(boxes, least_score=least_score)
    notes: list[str] = []
    with ConsoleReporter() as reporter:
        predictions = predict_anything(
            opened, folder, sentences, detections, heat_maps=heat_maps, top=None, notes=notes,
            progress=lambda done, total: reporter.progress("images", done, total),
        )  # fmt: skip
    rows = label_predictions(predictions, rules, multi_label=opened.config["multi_label"])
    give_rows(rows, output, began, [prediction.to_dict(top) for prediction in predictions] if as_json else None, notes)


def _lines(path: Path) -> list[str]:
    from workbench.errors import DataError
    from workbench.inputs import read_text

    lines = [line.strip() for line in read_text(path, DataError).splitlines()]
    if not any(lines):
        raise DataError(f"{path}: has no text.")
    return [line for line in lines if line]
