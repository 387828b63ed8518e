"""Heads: what predictors do with an image's features, as modules of torch that other tools can be given.

A head stands for a fitted predictor. It is exported (ONNX, `torch.export`), written as arrays with the few lines of
NumPy that use them, and, where it is linear, as an estimator of scikit-learn.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from workbench.arrays import AnyArray, FloatArray

NUMPY_UNIT = """def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float32).tiny)"""
"""What lines of `Head.numpy` call."""


def unit(x: Tensor) -> Tensor:
    """Rows (n, d) of unit norm, as `workbench.arrays.normalise` makes them."""
    length: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / length.clamp_min(torch.finfo(torch.float32).tiny)


class Head(nn.Module, ABC):
    """Logits from features. All that it needs are buffers, float32."""

    @abstractmethod
    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """Logits (n, n_classes) of features (n, d_pooled) and (n, d), not normalised."""

    @abstractmethod
    def numpy(self, prefix: str = "") -> list[str]:
        """Lines of Python that set `logits`, from `pooled`, `projected`, `head`, `unit` and `np`.

        Args:
            prefix: Stands before the name of each of this head's arrays in `head`.
        """

    def linear(self) -> "LinearHead | None":
        """The same as a linear head; None where it is none."""
        return None

    def arrays(self) -> dict[str, FloatArray]:
        """The buffers by name, those of a head inside with its name before them."""
        return {name: np.asarray(buffer.numpy(), np.float32) for name, buffer in self.named_buffers()}

    def keep(self, **arrays: AnyArray) -> None:
        """Register arrays as buffers, float32."""
        for name, array in arrays.items():
            self.register_buffer(name, torch.from_numpy(np.array(array, dtype=np.float32)))


class LinearHead(Head):
    """`unit(pooled) @ weight_pooled.T + unit(projected) @ weight_projected.T + bias`.

    Args:
        bias: (n_classes,).
        pooled: (n_classes, d_pooled); None where it reads no pooled features.
        projected: (n_classes, d); None where it reads no projected features.
        unit_norm: Whether features are normalised first.
    """

    bias: Tensor

    def __init__(
        self,
        bias: AnyArray,
        *,
        pooled: AnyArray | None = None,
        projected: AnyArray | None = None,
        unit_norm: bool = True,
    ) -> None:
        super().__init__()
        parts = {"pooled": pooled, "projected": projected}
        self.spaces = tuple(space for space, weight in parts.items() if weight is not None)
        self.unit_norm = unit_norm
        self.keep(bias=bias, **{f"weight_{space}": weight for space, weight in parts.items() if weight is not None})

    def weight(self, space: str) -> Tensor:
        """The weights of a feature space that it reads."""
        return self.get_buffer(f"weight_{space}")

    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `Head.forward`."""
        given, logits = {"pooled": pooled, "projected": projected}, self.bias
        for space in self.spaces:
            x = unit(given[space]) if self.unit_norm else given[space]
            logits = x @ self.weight(space).T + logits
        return logits

    def numpy(self, prefix: str = "") -> list[str]:
        """See `Head.numpy`."""
        terms = [
            f"{f'unit({space})' if self.unit_norm else space} @ head['{prefix}weight_{space}'].T"
            for space in self.spaces
        ]
        return [f"logits = {' + '.join([*terms, f'''head['{prefix}bias']'''])}"]

    def linear(self) -> "LinearHead":
        """Itself."""
        return self

    def changed(self, factor: AnyArray, offset: AnyArray) -> "LinearHead":
        """The linear head whose logits are this one's `* factor + offset`, each (n_classes,)."""
        arrays = self.arrays()
        scaled = {space: arrays[f"weight_{space}"] * np.asarray(factor)[:, None] for space in self.spaces}
        return LinearHead(
            arrays["bias"] * factor + offset, pooled=scaled.get("pooled"), projected=scaled.get("projected"),
            unit_norm=self.unit_norm,
        )  # fmt: skip


class AffineHead(Head):
    """Logits of another head, `* factor + offset`.

    Args:
        inner: The other head.
        factor: (n_classes,).
        offset: (n_classes,).
    """

    factor: Tensor
    offset: Tensor

    def __init__(self, inner: Head, factor: AnyArray, offset: AnyArray) -> None:
        super().__init__()
        self.inner = inner
        self.keep(factor=factor, offset=offset)

    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `Head.forward`."""
        logits: Tensor = self.inner(pooled, projected)
        return logits * self.factor + self.offset

    def numpy(self, prefix: str = "") -> list[str]:
        """See `Head.numpy`."""
        own = f"logits = logits * head['{prefix}factor'] + head['{prefix}offset']"
        return [*self.inner.numpy(f"{prefix}inner."), own]

    def linear(self) -> LinearHead | None:
        """See `Head.linear`."""
        inner = self.inner.linear()
        return None if inner is None else inner.changed(self.factor.numpy(), self.offset.numpy())


class CosineHead(Head):
    """`unit(embed(pooled, projected)) @ weight.T + bias`, where a subclass embeds.

    Args:
        weight: (n_classes, d), scaled.
        bias: (n_classes,), or one number for all.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: AnyArray, bias: AnyArray | float) -> None:
        super().__init__()
        self.keep(weight=weight, bias=np.broadcast_to(bias, len(weight)))

    @abstractmethod
    def embed(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """Embeddings (n, d) of features (n, d_pooled) and (n, d)."""

    @abstractmethod
    def embedding(self, prefix: str) -> list[str]:
        """Lines of Python that set `embedded`, as those of `numpy`."""

    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `Head.forward`."""
        return unit(self.embed(pooled, projected)) @ self.weight.T + self.bias

    def numpy(self, prefix: str = "") -> list[str]:
        """See `Head.numpy`."""
        own = f"logits = unit(embedded) @ head['{prefix}weight'].T + head['{prefix}bias']"
        return [*self.embedding(prefix), own]
