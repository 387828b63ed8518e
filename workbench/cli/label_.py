"""`workbench label`."""

import time
from pathlib import Path
from typing import Any

import click

from workbench.cli._labels import check_output, give_rows, label_options
from workbench.cli._options import as_json, load_settings, settings_options


@click.command("label")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="Model argument.")
@click.option(
    "--classes", "classes", required=True, type=click.Path(path_type=Path),
    help="What the images may show: a text file with a name a line, or a table with name, common_name, description.",
)  # fmt: skip
@click.option(
    "--restrict", type=click.Path(path_type=Path), help="Only classes whose names are in this list, such as a region's."
)
@click.option("--template", "templates", multiple=True, help="A sentence with {} for a name; repeatable.")
@click.option(
    "--files",
    "listed",
    type=click.Path(path_type=Path),
    help="Only these: a table with a column `file`, as `workbench suggest` writes, or a text file with a path a line.",
)
@label_options
@settings_options("device", "precision", "preprocessing", "cache")
@as_json
def command(
    folder: Path,
    model: str,
    classes: Path,
    restrict: Path | None,
    templates: tuple[str, ...],
    listed: Path | None,
    top: int,
    none_below: float | None,
    tie_within: float,
    group_by: str | None,
    output: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Label all images below FOLDER by names and descriptions of classes, without any training.

    Probabilities say which of the classes fits best, not whether any of them does.

    \b
    Example:
      workbench label photos/unsorted --model ViT-B-32/laion2b_s34b_b79k --classes species.csv --output labels.xlsx
      workbench label photos/ --model ... --classes species.csv --restrict region.txt --none-below 0.3 --group-by folder
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.labelling import LabelRules, label_folder, read_class_list
    from workbench.labelling.class_lists import read_names
    from workbench.labelling.file_lists import read_files
    from workbench.labelling.folder import TEMPLATES, check_templates
    from workbench.models import open_model

    began = time.perf_counter()
    check_output(output, as_json=as_json)
    rules = LabelRules(top=top, none_below=none_below, tie_within=tie_within, group_by=group_by)
    check_templates(templates)
    names = read_class_list(classes)
    if restrict is not None:
        names = names.restricted(read_names(restrict))
    only = None if listed is None else read_files(listed, folder)
    settings = load_settings(**flags)
    encoder = open_model(model, settings)
    notes = [*names.notes]
    with ConsoleReporter() as reporter:
        rows = label_folder(
            folder, encoder, names, settings, rules, templates=templates or TEMPLATES, notes=notes, only=only,
            progress=lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    give_rows(rows, output, began, rows if as_json else None, notes)
    if encoder.notice:
        click.echo(f"{model} is {encoder.notice}.", err=True)
