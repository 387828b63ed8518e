"""`workbench export`."""

from pathlib import Path
from typing import Any

import click

from workbench.cli._options import load_settings, settings_options
from workbench.cli._outputs import check_output_folder

_FORMATS = ("onnx", "torch", "open_clip", "transformers", "sklearn", "npz", "mlflow")


@click.command("export")
@click.argument("run")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Folder to write; must be empty.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Without it: the network in its library's layout where the run has changed it, else the head as npz.",
)
@click.option("--log", is_flag=True, help="With --format mlflow: log it as a model of the run in the run's own store.")
@click.option("--register", metavar="NAME", help="The same, as the next version of NAME in MLflow's registry.")
@settings_options("tracking_uri", "cache")
def command(run: str, target: Path | None, form: Any, log: bool, register: str | None, **flags: Any) -> None:
    """Write RUN for other tools, with a model card beside it.

    onnx and torch write network and head as one graph, from preprocessed pixels to probabilities; open_clip and
    transformers the network that the run has changed; npz and sklearn the head alone; mlflow what `mlflow models serve`
    takes. What is written is compared with the run's scores of test images first.

    \b
    Example:
      workbench export 3f2a --to model/ --format onnx
      workbench export 3f2a --to adapted/
      workbench export 3f2a --format mlflow --register ferns
    """
    from workbench.errors import WorkbenchError
    from workbench.runs.exporting import export_run
    from workbench.runs.finished import FinishedRun

    if log or register is not None:
        if form != "mlflow" or target is not None:
            raise WorkbenchError("--log and --register go with --format mlflow, and without --to.")
        from workbench.runs.exporting import log_to_mlflow

        logged = log_to_mlflow(FinishedRun.open_any(run, load_settings(**flags)), register)
        for sentence in logged.said:
            click.echo(sentence)
        known = f", and registered as {logged.registered}" if logged.registered else ""
        click.echo(f"logged as {logged.uri}{known}; with MLFLOW_TRACKING_URI={logged.store} MLflow loads and serves it")
        return
    if target is None:
        raise WorkbenchError("--to is missing: it names the folder to write.")
    check_output_folder("--to", target)
    made = export_run(FinishedRun.open_any(run, load_settings(**flags)), target, form)
    for sentence in made.said:
        click.echo(sentence)
    loads = {
        "open_clip": f"; load it with open_clip.create_model_from_pretrained({f'local-dir:{target}'!r})",
        "transformers": f"; load it with AutoModel.from_pretrained({str(target)!r})",
    }
    click.echo(f"written to {target} ({made.form}){loads.get(made.form, '; README.md says how it is used')}")
