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
    """Write RUN's adapted model as a checkpoint that the library of its base loads: open_clip, or transformers.

    \b
    Example:
      workbench export 3f2a --to adapted/
    """
    from workbench.runs.export import export_run
    from workbench.runs.finished import FinishedRun

    check_output_folder("--to", target)
    export_run(FinishedRun.open_any(run, load_settings(**flags)), target)
    stock = (target / "open_clip_config.json").exists()
    loads = (
        ("open_clip.create_model_from_pretrained", f"local-dir:{target}")
        if stock
        else ("AutoModel.from_pretrained", str(target))
    )
    click.echo(f"written to {target}; load it with {loads[0]}({loads[1]!r})")
