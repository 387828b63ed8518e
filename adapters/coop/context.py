"""Prompts whose context is vectors instead of words."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.plugin import Compute, LoadedModel, RecipeError

Position = Literal["end", "middle"]

_BATCH = 128


class ContextPrompts:
    """Class embeddings of prompts with learned vectors; a `workbench.ClassEmbedder`.

    The tower runs as it always does, on tokens with a placeholder for each vector; what it looks up for the
    placeholders is replaced by the vectors. Masks, positions, pooling and projection are thus the tower's own.

    Args:
        loaded: The model, on the device of `compute`.
        class_names: Names in label order.
        words: Template before the class name, whose token embeddings the context begins with, or None for Gaussian
            vectors of standard deviation 0.02.
        ending: Template after the class name.
        count: Number of vectors; with `words` their number of tokens counts instead.
        position: Place of the class name: after the context, or in its middle.
        class_specific: Whether each class has its own context.
        compute: Device and precision.
        recipe: Its name, for errors.

    Attributes:
        vectors: (count, width), or (n_classes, count, width).

    Raises:
        RecipeError: The text tower's tokens cannot be replaced, or a prompt is longer than its context.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        class_names: Sequence[str],
        *,
        words: str | None,
        ending: str,
        count: int,
        position: Position,
        class_specific: bool,
        compute: Compute,
        recipe: str = "coop",
    ) -> None:
        self._loaded = loaded
        self._compute = compute
        self._table = _embedding(loaded.network, recipe)
        empty = _tokens(loaded, [""])[0]
        initial = None
        if words is not None:
            first = _tokens(loaded, [words])[0]
            start, count = _shared(empty, first), _length(first, empty) - _length(empty, empty)
            initial = self._table.weight.detach()[first[start : start + count].to(compute.device)].float()
        if count == 0:
            raise RecipeError(f"{recipe}: init_template: no words before the class name in {words!r}; leave it out.")
        shorter = "lower n_context" if words is None else "shorten init_template"
        tokens, mask = _with_placeholders(
            loaded, class_names, ending, empty, count, position, recipe=recipe, shorter=shorter
        )
        self._tokens, self._mask = tokens.to(compute.device), mask.to(compute.device)
        shape = (len(class_names), count) if class_specific else (count,)
        width = self._table.weight.shape[1]
        if initial is None:
            initial = torch.randn(*shape, width).mul_(0.02).to(compute.device)
        self.vectors = nn.Parameter(initial.expand(*shape, width).clone())

    def sample(self, rng: np.random.Generator) -> Tensor:  # noqa: ARG002
        """See `workbench.ClassEmbedder`; every step has the same prompts."""
        with self._compute.autocast():
            return self._embed()

    def all(self) -> Tensor:
        """See `workbench.ClassEmbedder`; in fp32, as texts are embedded everywhere else."""
        with torch.no_grad():
            return self._embed()

    def _embed(self) -> Tensor:
        vectors = self.vectors if self.vectors.dim() == 3 else self.vectors.expand(len(self._tokens), -1, -1)
        parts = zip(*(torch.split(x, _BATCH) for x in (self._tokens, self._mask, vectors)), strict=True)
        return torch.cat([self._embed_part(*part) for part in parts])

    def _embed_part(self, tokens: Tensor, mask: Tensor, vectors: Tensor) -> Tensor:
        with _replaced(self._table, mask, vectors):
            return F.normalize(self._loaded.text_features(tokens).float(), dim=1)


@contextmanager
def _replaced(table: nn.Embedding, mask: Tensor, vectors: Tensor) -> Iterator[None]:
    """Let a look-up give the vectors where the mask says so."""

    def replace(_module: nn.Module, _inputs: object, looked_up: Tensor) -> Tensor:
        return looked_up.masked_scatter(mask[..., None], vectors.to(looked_up.dtype))

    handle = table.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()


def _embedding(network: nn.Module, recipe: str) -> nn.Embedding:
    """The text tower's table of token embeddings."""
    text: Any = getattr(network, "text", network)
    table = getattr(text, "token_embedding", None)
    if table is None and hasattr(getattr(text, "transformer", None), "get_input_embeddings"):
        table = text.transformer.get_input_embeddings()
    if not isinstance(table, nn.Embedding):
        raise RecipeError(f"{recipe}: a text tower of class {type(text).__name__} has no table of token embeddings.")
    return table


def _with_placeholders(
    loaded: LoadedModel,
    class_names: Sequence[str],
    ending: str,
    empty: Tensor,
    count: int,
    position: Position,
    *,
    recipe: str,
    shorter: str,
) -> tuple[Tensor, Tensor]:
    """Tokens (n_classes, context) with room for the vectors, and where they go, bool of that shape."""
    sentences = _tokens(loaded, [name + ending for name in class_names])
    names = _tokens(loaded, class_names)
    before = count if position == "end" else count // 2
    prompts, masks = [], []
    for name, alone, tokens in zip(class_names, names, sentences, strict=True):
        start, length = _shared(empty, tokens), _length(tokens, empty)
        end = min(_shared(alone, tokens), length - (_length(empty, empty) - start))
        if length + count > len(tokens):
            raise RecipeError(
                f"{recipe}: the prompt of class {name!r} has {length + count} tokens with its context of {count}, more "
                f"than the model's {len(tokens)}; {shorter}, or shorten the class name."
            )
        # Any word's token will do: it must not be padding, nor what pooling looks for.
        filler = tokens[start].expand(count)
        prompts.append(
            torch.cat([tokens[:start], filler[:before], tokens[start:end], filler[before:], tokens[end:]])[
                : len(tokens)
            ]
        )
        mask = torch.zeros(len(tokens), dtype=torch.bool)
        mask[start : start + before] = True
        mask[end + before : end + count] = True
        masks.append(mask)
    rows = loaded.trim(torch.stack(prompts))
    return rows, torch.stack(masks)[:, : rows.shape[1]]


def _tokens(loaded: LoadedModel, texts: Sequence[str]) -> Tensor:
    return loaded.tokenizer(list(texts)).long()


def _length(tokens: Tensor, empty: Tensor) -> int:
    """Tokens before the padding, which is what an empty text ends in."""
    used = (tokens != empty[-1]).nonzero()
    return int(used[-1]) + 1 if len(used) else 0


def _shared(one: Tensor, other: Tensor) -> int:
    """Tokens that both begin with; an empty text shares but what stands before every text."""
    return int((one == other).long().cumprod(dim=0).sum())
