"""A run's classifier as one module of torch: pixels in, logits and probabilities out."""

import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.models import LoadedModel
from workbench.recipes.heads import Head


class PixelClassifier(nn.Module):
    """An image tower with a head on it.

    Args:
        loaded: The network, fp32, on the CPU; its text tower is left out.
        head: Reads its features.
        multi_label: Whether probabilities are of each class by itself.
    """

    def __init__(self, loaded: LoadedModel, head: Head, multi_label: bool) -> None:
        super().__init__()
        # A network that has both features itself is taken whole: which of its parts they come from is not known.
        whole = hasattr(loaded.network, "image_features")
        self.tower = loaded.network if whole else loaded.network.get_submodule("visual")
        self._loaded = loaded
        self.head = head
        self._multi_label = multi_label
        self.eval().requires_grad_(requires_grad=False)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and probabilities (n, n_classes) of (n, 3, h, w), preprocessed."""
        pooled, projected = self._loaded.image_features(pixel_values)
        logits: Tensor = self.head(pooled, projected)
        return logits, logits.sigmoid() if self._multi_label else logits.softmax(dim=1)


def exported_program(module: PixelClassifier, size: tuple[int, int]) -> "torch.export.ExportedProgram":
    """The module's graph for any number of images.

    Raises:
        WorkbenchError: Its code cannot be traced.
    """
    pixels = torch.zeros(2, 3, *size)
    try:
        return torch.export.export(
            module, (pixels,), dynamic_shapes={"pixel_values": {0: torch.export.Dim("n", min=1)}}
        )
    except Exception as error:  # Tracing raises whatever the network's code does not allow.
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WorkbenchError(
            f"torch.export cannot trace this network ({reason}); its head alone can be had: --format npz or sklearn."
        ) from error
