"""Export a finished run: written beside its place, compared with the run, and only then put there."""

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from workbench.errors import RecipeError, WorkbenchError
from workbench.models import library_of, save_checkpoint
from workbench.outputs import OutputError, reason
from workbench.runs.exporting.card import python, usage_of_checkpoint, write_model_card
from workbench.runs.exporting.classifier import ExportedClassifier
from workbench.runs.finished import FinishedRun

if TYPE_CHECKING:
    from workbench.runs.exporting.mlflow_model import LoggedModel

Format = Literal["onnx", "torch", "open_clip", "transformers", "sklearn", "npz", "mlflow"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: The folder.
        form: The format.
        said: Sentences on the comparison with the run, sizes and latency.
    """

    folder: Path
    form: Format
    said: tuple[str, ...]


def export_run(run: FinishedRun, folder: Path, form: Format | None = None) -> Exported:
    """Write a run for other tools, with a model card (`README.md`) beside it.

    Args:
        run: The run.
        folder: New, or empty.
        form: None writes the network in its library's layout where the run has changed it, else the head as `npz`.

    Raises:
        WorkbenchError: The run has nothing to give in this format, the folder is not empty, packages are missing, or
            what was written gives other scores than the run.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkbenchError(f"--to {folder}: must be a new or empty folder.")
    if form in {None, "open_clip", "transformers"}:
        try:
            return _write_checkpoint(run, folder, form)
        except RecipeError as error:
            if form is None and run.task.names_classes:
                return _write(run, folder, "npz")
            raise WorkbenchError(
                f"run {run.result.run_id[:8]}: {error} Of a classifier --format onnx or torch writes network and head, "
                "npz or sklearn the head."
            ) from error
    return _write(run, folder, form)


def log_to_mlflow(run: FinishedRun, register: str | None = None) -> "LoggedModel":
    """Log a run's classifier as a model of MLflow in the run's store; see `mlflow_model.log_model`."""
    from workbench.runs.exporting.mlflow_model import log_model

    return log_model(ExportedClassifier.of(run, "mlflow"), register)


def _write_checkpoint(run: FinishedRun, folder: Path, form: Format | None) -> Exported:
    network = run.network()
    library: Format = library_of(network)
    if form not in {None, library}:
        raise WorkbenchError(f"run {run.result.run_id[:8]}: its model is one of {library}; take --format {library}.")
    save_checkpoint(network, folder, run.encoder)
    usage = usage_of_checkpoint(folder)
    write_model_card(run, folder, usage, library=library, pipeline="zero-shot-image-classification")
    return Exported(folder, library, ("loaded back with its library: the same features to 1e-4",))


def _write(run: FinishedRun, folder: Path, form: Format) -> Exported:
    classifier = ExportedClassifier.of(run, form)
    write, usage, library = _writer(form)
    work = folder.absolute().with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    try:
        work.mkdir(parents=True)
        said = write(classifier, work)
        write_model_card(run, work, usage, library=library, pipeline="image-classification")
        if folder.exists():
            folder.rmdir()
        work.rename(folder)
    except OSError as error:
        raise OutputError(f"--to {folder}: {reason(error)}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Exported(folder, form, tuple(said))


Writer = Callable[[ExportedClassifier, Path], list[str]]
_SHELL = """```sh
pip install {packages}
python predict.py image.jpg
```

`preprocess.py` makes the input as `preprocessing.json` says."""


def _writer(form: Format) -> tuple[Writer, str, str]:
    """What writes a format, how it is used, and the library's name on the Hub."""
    if form == "onnx":
        from workbench.runs.exporting.onnx_file import write_onnx

        return write_onnx, _SHELL.format(packages="numpy pillow onnxruntime"), "onnx"
    if form == "torch":
        from workbench.runs.exporting.torch_file import write_torch

        return write_torch, _SHELL.format(packages="numpy pillow torch"), "pytorch"
    if form == "mlflow":
        from workbench.runs.exporting.mlflow_model import USAGE, write_mlflow

        return write_mlflow, USAGE, "mlflow"
    if form == "sklearn":
        from workbench.runs.exporting.head_files import SKLEARN, write_sklearn

        return write_sklearn, python(SKLEARN), "sklearn"
    from workbench.runs.exporting.head_files import NPZ, write_npz

    return write_npz, python(NPZ), "numpy"
