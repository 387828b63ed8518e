"""An exported graph as a model of MLflow: encoded images in, classes and probabilities out. No workbench needed."""

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext
from PIL import Image


class ImageClassifier(PythonModel):  # type: ignore[misc]
    """Takes a table with a column `image`, the bytes of a JPEG, PNG or the like in each row (in JSON as base64)."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the graph that lies among the artifacts."""
        folder = Path(context.artifacts["graph"])
        found = importlib.util.spec_from_file_location("preprocess", folder / "preprocess.py")
        assert found is not None and found.loader is not None
        self.preprocess = importlib.util.module_from_spec(found)
        found.loader.exec_module(self.preprocess)
        self.settings = self.preprocess.read_settings(folder)
        self.session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        self.names = json.loads(self.session.get_modelmeta().custom_metadata_map["class_names"])

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """One row an image: the likeliest class, its probability, and those of all classes by name."""
        rows = []
        for data in model_input["image"]:
            with Image.open(io.BytesIO(data)) as picture:
                pixels = self.preprocess.to_pixels(picture, self.settings)
            (probabilities,) = self.session.run(["probabilities"], {"pixel_values": pixels[np.newaxis]})
            by_name = dict(zip(self.names, map(float, probabilities[0]), strict=True))
            best = max(by_name, key=by_name.__getitem__)
            rows.append({"class": best, "probability": by_name[best], "probabilities": by_name})
        return pd.DataFrame(rows, columns=["class", "probability", "probabilities"])


set_model(ImageClassifier())
