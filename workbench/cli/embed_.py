"""`workbench embed`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._options import load_settings, settings_options
from workbench.cli._outputs import check_output_file
from workbench.texts import plain


@click.command("embed")
@click.argument("dataset")
@click.option("--model", required=True, help="Model argument.")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Parquet file to write.")
@click.option("--split", type=click.Choice(["train", "val", "test", "all"]), default="all", show_default=True)
@settings_options("device", "precision", "preprocessing", "cache", "data")
def command(dataset: str, model: str, target: Path, split: Any, **flags: Any) -> None:
    """Compute DATASET's features (or take them from the cache) and write them with ids, labels and splits.

    \b
    Example:
      workbench embed photos/ --model ViT-B-32/laion2b_s34b_b79k --to features.parquet
    """
    from workbench.cli._progress import ConsoleReporter
    from workbench.datasets import open_pictures
    from workbench.features.table import features_of_split, write_feature_table
    from workbench.models import open_model

    check_output_file("--to", target)
    settings = load_settings(**flags)
    opened = open_pictures(dataset, settings)
    with ConsoleReporter() as reporter:
        rows, extraction = features_of_split(
            opened, open_model(model, settings), split, settings,
            lambda done, total: reporter.progress("features", done, total),
        )  # fmt: skip
    write_feature_table(opened, rows, extraction, target)
    click.echo(f"{int(extraction.readable.sum())} images, {extraction.computed} computed now, written to {target}")
    for name, reason in extraction.unreadable:
        click.echo(f"left out: {plain(name)}: {plain(reason)}", err=True)
