"""A run as a model of MLflow: what `mlflow.pyfunc.load_model`, `mlflow models serve` and the registry take.

The model is a short program and an ONNX graph; nothing is pickled, and the workbench need not be installed where it is
served.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.runs.exporting.copying import format_size
from workbench.runs.exporting.onnx_file import write_onnx
from workbench.tracking import open_store
from workbench.tracking.faults import answering
from workbench.tracking.store import quiet

if TYPE_CHECKING:
    from workbench.runs.exporting.classifier import ExportedClassifier
    from workbench.tracking import Store

_PACKAGES = ("mlflow", "numpy", "onnxruntime", "pandas", "pillow")
_NAME = "classifier"
USAGE = """```python
import mlflow
import pandas as pd

model = mlflow.pyfunc.load_model(".")  # this folder
print(model.predict(pd.DataFrame({"image": [open("image.jpg", "rb").read()]})))
```

`mlflow models serve -m . --env-manager local -p 5001` answers on `/invocations`; images are base64 in JSON there."""


@dataclass(frozen=True)
class LoggedModel:
    """A run's model in the store.

    Attributes:
        uri: `models:/ID`, which MLflow's functions and commands take.
        store: Address of the store, without a password.
        registered: Name and version in the registry, `NAME/VERSION`; empty where it was not registered.
        said: Sentences on the comparison with the run, and sizes.
    """

    uri: str
    store: str
    registered: str
    said: tuple[str, ...]


def write_mlflow(classifier: "ExportedClassifier", folder: Path, model: Any = None) -> list[str]:
    """Write a folder that MLflow loads: `MLmodel`, the program, the graph, signature and an example of the input.

    Args:
        classifier: The run.
        folder: Is there, and empty.
        model: MLflow's entry with the ids of the run and of the model; None for a folder that stands by itself.

    Returns:
        Sentences on the comparison with the run, and sizes.

    Raises:
        WorkbenchError: See `write_onnx`; or the model's preprocessing cannot be written down.
    """
    if classifier.network.pixel_transform is None:
        raise WorkbenchError(
            "--format mlflow: the preprocessing of this model is none of resizing, cropping and normalising, so a "
            "server could not do it; take --format onnx."
        )
    quiet()
    import mlflow

    program = files("workbench.runs.exporting.standalone") / "mlflow_model.py"
    with TemporaryDirectory() as work, as_file(program) as code, _without_words():
        graph = Path(work) / "graph"
        graph.mkdir()
        said = write_onnx(classifier, graph)
        (graph / "predict.py").unlink()
        mlflow.pyfunc.save_model(
            folder, python_model=str(code), artifacts={"graph": str(graph)}, mlflow_model=model,
            signature=_signature(), input_example=_example(classifier),
            pip_requirements=[f"{name}=={version(name)}" for name in _PACKAGES],
        )  # fmt: skip
    return [*said, f"in all {format_size(path for path in folder.rglob('*') if path.is_file())}"]


def log_model(classifier: "ExportedClassifier", register: str | None = None) -> LoggedModel:
    """Log the run's model beside the run, in the same store; each call adds one.

    Args:
        classifier: The run.
        register: Name in the registry under which it becomes the next version; None registers nothing.

    Raises:
        WorkbenchError: See `write_mlflow`; or the store does not answer.
    """
    store, result = open_store(classifier.run.settings), classifier.run.result
    quiet()
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    with answering(store.name):
        experiment = store.client.get_run(result.run_id).info.experiment_id
        logged = store.client.create_logged_model(
            experiment, _NAME, source_run_id=result.run_id,
            params={name: str(getattr(result, name)) for name in ("model", "dataset", "recipe", "shots", "seed")},
        )  # fmt: skip
    with TemporaryDirectory() as work:
        folder = Path(work) / "model"
        try:
            said = write_mlflow(classifier, folder, Model(run_id=result.run_id, model_id=logged.model_id))
        except BaseException:
            with answering(store.name):
                store.client.delete_logged_model(logged.model_id)
            raise
        with answering(store.name):
            store.client.log_model_artifacts(logged.model_id, str(folder))
            store.client.log_outputs(result.run_id, [LoggedModelOutput(logged.model_id, step=0)])
            store.client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    registered = "" if register is None else _register(store, register, logged, result.run_id)
    return LoggedModel(f"models:/{logged.model_id}", store.name, registered, tuple(said))


def _register(store: "Store", name: str, logged: Any, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    # A server looks `models:/ID` up in its own store; in this process MLflow would look in whichever it takes for its.
    served = store.uri.startswith(("http:", "https:"))
    source = f"models:/{logged.model_id}" if served else logged.artifact_location
    with answering(store.name):
        try:
            store.client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise WorkbenchError(f"--register {name}: MLflow refused it ({error.message}).") from error
        made = store.client.create_model_version(name, source, run_id=run_id, model_id=logged.model_id)
    return f"{name}/{made.version}"


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Map

    outputs = [
        ColSpec(DataType.string, "class"), ColSpec(DataType.double, "probability"),
        ColSpec(Map(DataType.double), "probabilities"),
    ]  # fmt: skip
    return ModelSignature(Schema([ColSpec(DataType.binary, "image")]), Schema(outputs))


def _example(classifier: "ExportedClassifier") -> Any:
    """A grey picture of the input's size: no image of the dataset leaves with the model."""
    import pandas as pd
    from PIL import Image

    height, width = classifier.network.image_size
    file = io.BytesIO()
    Image.new("RGB", (width, height), (128, 128, 128)).save(file, "PNG")
    return pd.DataFrame({"image": [file.getvalue()]})


@contextmanager
def _without_words() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
