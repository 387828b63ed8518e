"""A network in memory as a dual encoder: it embeds images and texts as it is at the moment."""

from collections.abc import Sequence

import numpy as np
import torch

from workbench.arrays import FloatArray
from workbench.images import ImageSet
from workbench.models import LoadedModel
from workbench.tasks import DualEncoderPredictor
from workbench.training.pixels import PixelSource
from workbench.training.precision import Compute

_TEXTS = 128  # A batch of texts.


class NetworkEncoder(DualEncoderPredictor):
    """Embeds by a network, which may be in training.

    Args:
        loaded: The network, on the device of `compute`.
        compute: Device and precision of images; texts are embedded in fp32, as they are everywhere else.
        scale: Multiplier of cosines.
        bias: Added last.
    """

    def __init__(self, loaded: LoadedModel, compute: Compute, *, scale: float = 1.0, bias: float = 0.0) -> None:
        self.loaded, self.compute = loaded, compute
        self.scale, self.bias = scale, bias

    def embed_images(self, images: ImageSet) -> FloatArray:
        """See `DualEncoderPredictor.embed_images`."""
        return self.embed_pixels(PixelSource(images, self.loaded, self.compute))

    def embed_pixels(self, source: PixelSource) -> FloatArray:
        """The evaluation view of all images of a source, float32 (n, d), not normalised."""
        self.loaded.network.eval()
        embeddings = []
        for pixels in source.evaluation(256 if self.compute.on_gpu else 64):
            with torch.inference_mode(), self.compute.autocast():
                embeddings.append(self.loaded.image_features(pixels)[1].float().cpu().numpy())
        return np.concatenate(embeddings) if embeddings else self.embed_texts([""])[:0]

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """See `DualEncoderPredictor.embed_texts`."""
        self.loaded.network.eval()
        embeddings = []
        for start in range(0, len(texts), _TEXTS):
            # Trimming to the longest text of a batch changes no embedding: padding is masked.
            tokens = self.loaded.trim(self.loaded.tokenizer(list(texts[start : start + _TEXTS])))
            with torch.inference_mode():
                embeddings.append(self.loaded.text_features(tokens.to(self.compute.device)).float().cpu().numpy())
        return np.concatenate(embeddings) if embeddings else self.embed_texts([""])[:0]

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """The same, by the name that `class_embeddings` asks for."""
        return self.embed_texts(texts)
