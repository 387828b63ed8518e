"""A third party's model: an image is how bright the cells of a grid are, a text how often each letter comes."""

from collections.abc import Sequence
from pathlib import Path

from workbench.plugin import LoadedModel

CELLS = 8
WIDTH = CELLS * CELLS


class GreyGrid:
    """Nothing is trained, so no file determines any weight."""

    version = "1"
    languages = ("en",)
    notice: str | None = "not pretrained: cells of a grid, and counts of letters"

    def files(self, cache: Path) -> list[Path]:
        """None."""
        return []

    def load(self, cache: Path) -> LoadedModel:
        """See `ModelPlugin.load`; PyTorch is imported here, so that listing the model costs nothing."""
        import numpy as np
        import torch
        from torch import nn

        class Towers(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.logit_scale = nn.Parameter(torch.tensor(np.log(10.0)))

            def image_features(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                found = nn.functional.adaptive_avg_pool2d(pixels.mean(dim=1, keepdim=True), CELLS).flatten(1)
                return found, found

            def encode_text(self, tokens: torch.Tensor, normalize: bool = False) -> torch.Tensor:
                found = nn.functional.one_hot(tokens % WIDTH, WIDTH)[..., 1:].sum(dim=1).float()
                found = nn.functional.pad(found, (0, 1))
                return nn.functional.normalize(found, dim=-1) if normalize else found

        def preprocess(image) -> torch.Tensor:
            pixels = np.asarray(image.convert("RGB").resize((32, 32)), np.float32) / 255
            return torch.from_numpy(pixels.transpose(2, 0, 1).copy())

        def tokenizer(texts: Sequence[str]) -> torch.Tensor:
            longest = [list(text.encode()[:77]) for text in texts]
            return torch.tensor([own + [0] * (77 - len(own)) for own in longest], dtype=torch.int64)

        return LoadedModel(
            Towers().eval(), preprocess, tokenizer, (32, 32), (0.0,) * 3, (1.0,) * 3,
            frozen_reason="grey-grid has no weights to train or export",
        )  # fmt: skip
