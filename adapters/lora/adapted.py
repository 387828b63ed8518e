"""A network with adapters: put on, trained, saved in peft's format, merged."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench import (
    FitReport,
    FloatArray,
    ImageSet,
    LoadedModel,
    Predictor,
    RecipeError,
    TaskModel,
    evaluation_batches,
    freeze_batch_norm,
    merge_attention,
    split_attention,
    to_device,
    training_precision,
)

_ADAPTER = "adapter"
_CLASSES = "classes.safetensors"
_SETTINGS = "lora.json"


def load_for_adapters(model: TaskModel) -> LoadedModel:
    """A private copy with split attention and fixed batch-normalisation statistics.

    Raises:
        RecipeError: The model cannot be trained.
    """
    loaded = model.load()
    if loaded.frozen_reason:
        raise RecipeError(f"recipe 'lora' cannot adapt model {model.name!r}: {loaded.frozen_reason}.")
    split_attention(loaded.network)
    freeze_batch_norm(loaded.network)
    return loaded


def embed_classes(loaded: LoadedModel, texts: Sequence[str], device: str) -> Tensor:
    """Unit-norm embeddings of one sentence a class, (n_classes, d), differentiable."""
    tokens = loaded.trim(loaded.tokenizer(list(texts))).to(device)
    return F.normalize(loaded.text_features(tokens).float(), dim=1)


class AdaptedClassifier(Predictor):
    """Scaled cosines between adapted image features and class embeddings.

    Args:
        loaded: Network with adapters, on `device`.
        peft_model: peft's wrapper of the same network.
        classes: (n_classes, d) unit-norm class embeddings.
        scale: Multiplier of the cosines.
        bias: Added after scaling.
        device: Where to compute.
        report: How it was fitted.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        peft_model: "torch.nn.Module",
        classes: FloatArray,
        scale: float,
        bias: float,
        device: str,
        report: FitReport | None = None,
    ) -> None:
        self._loaded = loaded
        self._peft = peft_model
        self._classes = np.asarray(classes, dtype=np.float32)
        self._bias = bias
        self._device = device
        self.scale = scale
        self.report = report or FitReport()

    def scores(self, images: ImageSet) -> FloatArray:
        """See `Predictor.scores`."""
        return adapted_scores(
            self._loaded, images, torch.from_numpy(self._classes), self.scale, self._bias, self._device
        )

    def save(self, directory: Path) -> None:
        """Write the adapters in peft's format, and the class embeddings."""
        from safetensors.numpy import save_file

        self._peft.save_pretrained(str(directory / _ADAPTER))  # type: ignore[operator]
        save_file({"classes": self._classes}, directory / _CLASSES)
        settings = {"scale": self.scale, "bias": self._bias}
        (directory / _SETTINGS).write_text(json.dumps(settings), encoding="utf-8")

    def merged(self, model: TaskModel) -> LoadedModel:
        """The network with its adapters merged into stock modules; this predictor stays as it is."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            self._peft.save_pretrained(folder)  # type: ignore[operator]
            loaded, peft_model = _with_saved_adapters(model, Path(folder))
        peft_model.merge_and_unload()  # type: ignore[operator]
        merge_attention(loaded.network)
        return loaded


def restore(directory: Path, model: TaskModel, device: str) -> AdaptedClassifier:
    """Read what `AdaptedClassifier.save` wrote."""
    from safetensors.numpy import load_file

    loaded, peft_model = _with_saved_adapters(model, directory / _ADAPTER)
    to_device(loaded.network, device)
    settings = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
    classes = load_file(directory / _CLASSES)["classes"]
    return AdaptedClassifier(loaded, peft_model, classes, settings["scale"], settings["bias"], device)


def _with_saved_adapters(model: TaskModel, folder: Path) -> tuple[LoadedModel, "torch.nn.Module"]:
    from peft import PeftModel

    loaded = load_for_adapters(model)
    return loaded, PeftModel.from_pretrained(loaded.network, str(folder)).eval()


def adapted_scores(
    loaded: LoadedModel, images: ImageSet, classes: Tensor, scale: float, bias: float, device: str
) -> FloatArray:
    """Logits (n, n_classes) of images through the network as it is."""
    loaded.network.eval()
    weight = classes.to(device)
    out = [np.empty((0, len(classes)), dtype=np.float32)]
    with torch.inference_mode():
        for pixels in evaluation_batches(images, loaded):
            batch = pixels.to(device).contiguous(memory_format=torch.channels_last)
            with training_precision(device):
                features = loaded.image_features(batch)[1]
            logits = scale * F.normalize(features.float(), dim=1) @ weight.T + bias
            out.append(logits.cpu().numpy())
    return np.concatenate(out)
