"""Towers of other libraries in the shape of open_clip's: `visual`, `text`, and the logits' own parameters."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from workbench.errors import ModelError

NO_TEXTS = "it has no text tower"


class ImageTower(nn.Module):
    """Pixels to features in two steps, so that both features come from one pass.

    Args:
        transformer: A vision model of transformers, called with `pixel_values`.
        projection: Into the space that images and texts share; None where the tower ends in it.
    """

    def __init__(self, transformer: nn.Module, projection: nn.Module | None) -> None:
        super().__init__()
        self.transformer = transformer
        self.projection = projection
        self._has_class_token = any(name.endswith("cls_token") for name, _ in transformer.named_parameters())

    def pooled(self, pixels: Tensor) -> Tensor:
        """What the projection reads, (n, d_pooled); without one the class token, or what the network pools."""
        output: Any = self.transformer(pixel_values=pixels)
        if self.projection is None and self._has_class_token:
            # The pooler of ViTModel and BeitModel is a layer for another task, and often not even trained.
            return output.last_hidden_state[:, 0]  # type: ignore[no-any-return]
        return output.pooler_output.flatten(1)  # type: ignore[no-any-return]

    def project(self, pooled: Tensor) -> Tensor:
        """(n, d)."""
        return pooled if self.projection is None else self.projection(pooled)

    def forward(self, pixels: Tensor) -> Tensor:
        """Projected features (n, d), not normalised."""
        return self.project(self.pooled(pixels))


class TextTower(nn.Module):
    """Tokens to features.

    Args:
        transformer: A text model of transformers.
        projection: Into the space that images and texts share, or None.
        pad: The token that fills up.
        ends: Whether the same token also ends a text, as CLIP's does: the first one is a part of the text then.
        masks: Whether the tokenizer gives a mask of what fills up; SigLIP's does not, and its tower reads it.
        first: Whether the feature is the first token's; the model's own pooling otherwise.
    """

    def __init__(
        self, transformer: nn.Module, projection: nn.Module | None, *, pad: int, ends: bool, masks: bool, first: bool
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.projection = projection
        self._pad, self._ends, self._masks, self._first = pad, ends, masks, first

    def lengths(self, tokens: Tensor) -> Tensor:
        """Number of tokens of each text, its end included, int64 (n,); all of them where the tower reads all."""
        if not self._masks:
            return torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
        places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
        last = ((tokens != self._pad) * places).amax(dim=1)
        return (last + int(self._ends)).clamp(1, tokens.shape[1])

    def forward(self, tokens: Tensor) -> Tensor:
        """Projected features (n, d), not normalised."""
        mask = {}
        if self._masks:
            places = torch.arange(tokens.shape[1], device=tokens.device)
            mask = {"attention_mask": (places < self.lengths(tokens)[:, None]).long()}
        output: Any = self.transformer(input_ids=tokens, **mask)
        pooled: Tensor = output.last_hidden_state[:, 0] if self._first else output.pooler_output
        return pooled if self.projection is None else self.projection(pooled)


class DualNetwork(nn.Module):
    """A dual encoder of transformers.

    Args:
        whole: The library's own model; it shares its weights, and writes them in its own format.
        visual: Its image tower.
        text: Its text tower.
    """

    def __init__(self, whole: Any, visual: ImageTower, text: TextTower) -> None:
        super().__init__()
        self.visual = visual
        self.text = text
        self.logit_scale = whole.logit_scale
        if getattr(whole, "logit_bias", None) is not None:
            self.logit_bias = whole.logit_bias
        # No part of this network, or every weight would have two names.
        self.__dict__["whole"] = whole

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """See `open_clip.CLIP.encode_text`."""
        features: Tensor = self.text(tokens)
        return nn.functional.normalize(features, dim=-1) if normalize else features

    def length_needed(self, tokens: Tensor) -> int:
        """Places up to the last token that a text of the batch needs."""
        return int(self.text.lengths(tokens).max()) if len(tokens) else tokens.shape[1]


class ImageNetwork(nn.Module):
    """An image tower alone.

    Args:
        visual: From pixels to features.
    """

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        # Without texts there is nothing that it scales; recipes that learn a scale begin with CLIP's.
        self.logit_scale = nn.Parameter(torch.tensor(100.0).log())


def no_tokenizer(texts: Sequence[str]) -> Tensor:
    """Stands where an image tower alone has no tokenizer; raises `ModelError`."""
    raise ModelError(f"texts such as {next(iter(texts), '')!r} were asked of a model, and {NO_TEXTS}.")
