"""`workbench export`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._options import load_settings, settings_options
from workbench.cli._outputs import check_output_folder


@click.command("export")
@click.argument("run")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Folder to write; must be empty.")
@settings_options("tracking_uri", "cache")
def command(run: str, target: Path, **flags: Any) -> None:
    """Write RUN's adapted model as a checkpoint that stock open_clip loads: `create_model("local-dir:DIR")`.

    \b
    Example:
      workbench export 3f2a --to adapted/
    """
    from workbench.errors import WorkbenchError
    from workbench.models import save_checkpoint
    from workbench.runs.finished import FinishedRun

    check_output_folder("--to", target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WorkbenchError(f"--to {target}: must be a new or empty folder.")
    finished = FinishedRun.open(run, load_settings(**flags))
    fitted = finished.predictor()
    merged = fitted.merged(finished.model)
    save_checkpoint(merged, target, finished.encoder)
    click.echo(f"written to {target}; load it with open_clip.create_model_from_pretrained('local-dir:{target}')")
