"""A head on features from which a mean is taken, for export."""

from torch import Tensor

from workbench.plugin import AnyArray, Head, unit


class CentredHead(Head):
    """Another head on `unit(features) - mean`.

    Args:
        inner: The other head.
        pooled: (d_pooled,) mean of pooled features.
        projected: (d,) mean of projected features.
    """

    mean_pooled: Tensor
    mean_projected: Tensor

    def __init__(self, inner: Head, pooled: AnyArray, projected: AnyArray) -> None:
        super().__init__()
        self.inner = inner
        self.keep(mean_pooled=pooled, mean_projected=projected)

    def forward(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `Head.forward`."""
        logits: Tensor = self.inner(unit(pooled) - self.mean_pooled, unit(projected) - self.mean_projected)
        return logits

    def numpy(self, prefix: str = "") -> list[str]:
        """See `Head.numpy`."""
        moved = [f"{space} = unit({space}) - head['{prefix}mean_{space}']" for space in ("pooled", "projected")]
        return [*moved, *self.inner.numpy(f"{prefix}inner.")]
