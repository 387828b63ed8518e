"""The head of a classifier of linearly corrected embeddings, for export."""

from torch import Tensor

from workbench.plugin import AnyArray, CosineHead, LinearMap, unit


class MappedHead(CosineHead):
    """`unit(projected) + unit(x) @ map + offset` against the class embeddings.

    Args:
        weight: (n_classes, d), scaled.
        bias: (n_classes,).
        image: The correction; None for the model's own embeddings.
        space: The features that are x.
    """

    def __init__(self, weight: AnyArray, bias: AnyArray, image: LinearMap | None, space: str) -> None:
        super().__init__(weight, bias)
        self.space = space
        self.names: tuple[str, ...] = ()
        if image is not None:
            parts = {"map": image.weight, "offset": image.offset}
            given = {name: part for name, part in parts.items() if part is not None}
            self.keep(**given)
            self.names = tuple(given)

    def embed(self, pooled: Tensor, projected: Tensor) -> Tensor:
        """See `CosineHead.embed`."""
        embedded = unit(projected)
        if "map" in self.names:
            embedded = embedded + unit(pooled if self.space == "pooled" else projected) @ self.get_buffer("map")
        return embedded + self.get_buffer("offset") if "offset" in self.names else embedded

    def embedding(self, prefix: str) -> list[str]:
        """See `CosineHead.embedding`."""
        terms = {"map": f"unit({self.space}) @ head['{prefix}map']", "offset": f"head['{prefix}offset']"}
        return [f"embedded = {' + '.join(['unit(projected)', *(terms[name] for name in self.names)])}"]
