"""The score of a text at every region of a scene."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Parse = Literal["sentence", "phrases"]

_PLACE, _RELATION = 5, 8
_FAST = 10.0  # Weights of geometry learn so much faster than maps of features, which otherwise learn items by heart.
_MAX_SCALE = 100.0  # CLIP's own bound.
_NEVER = -1e4


@dataclass(frozen=True)
class Shape:
    """The sizes of a network.

    Attributes:
        projected: Width of the joint space.
        inputs: Width of the features that correct it.
        rank: Rank of the corrections.
        parse: Where subject and object of a text come from.
        dropout: Share of inputs that training drops, of images and of texts.
    """

    projected: int
    inputs: int
    rank: int
    parse: Parse
    dropout: tuple[float, float] = (0.3, 0.1)


class RelationNetwork(nn.Module):
    """See the package; subject and object are called roles.

    Args:
        shape: Widths.
        scale: Multiplier of cosines at the beginning.
    """

    def __init__(self, shape: Shape, scale: float) -> None:
        super().__init__()
        self.shape = shape
        d, rank = shape.projected, shape.rank
        maps = 2 if shape.parse == "sentence" else 1
        for name, width in (("unit", d), ("input", shape.inputs), ("phrase", d), ("sentence", d)):
            self.register_buffer(f"{name}_mean", torch.zeros(width))
            self.register_buffer(f"{name}_length", torch.ones(()))
        self.image_down = nn.Parameter(torch.randn(shape.inputs, rank) / math.sqrt(shape.inputs))
        self.image_up = nn.Parameter(torch.zeros(rank, d))
        self.text_down = nn.Parameter(torch.randn(maps, d, rank) / math.sqrt(d))
        self.text_up = nn.Parameter(torch.zeros(maps, rank, d))
        if shape.parse == "phrases":
            self.role = nn.Parameter(torch.zeros(d, 2))
            self.order = nn.Parameter(torch.tensor([-2.0, 2.0]))  # The subject tends to come first, the object last.
        self.place = nn.Parameter(torch.zeros(d, _PLACE))
        self.relation = nn.Parameter(torch.zeros(d, _RELATION))
        self.sign = nn.Parameter(torch.zeros(d))
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.threshold = nn.Parameter(torch.zeros(()))

    @property
    def scale(self) -> Tensor:
        """Multiplier of cosines."""
        return self.log_scale.exp().clamp(max=_MAX_SCALE)

    def fit_means(self, name: str, rows: Tensor) -> None:
        """Set the mean and the mean length that inputs of this name are normalised by, from training rows."""
        mean = rows.mean(dim=0)
        getattr(self, f"{name}_mean").copy_(mean)
        length = (rows - mean).norm(dim=1).mean()
        getattr(self, f"{name}_length").copy_(length if length > 0 else torch.ones(()))

    def regions(self, unit: Tensor, inputs: Tensor) -> Tensor:
        """Regions in the corrected space.

        Args:
            unit: (..., d), the model's own embeddings, of unit norm.
            inputs: (..., w), unit-norm features that correct them.

        Returns:
            (..., d) of unit norm.
        """
        x = F.dropout(self._centred("input", inputs), self.shape.dropout[0], self.training)
        return F.normalize(self._centred("unit", unit) + x @ self.image_down @ self.image_up, dim=-1)

    def texts(self, sentences: Tensor, phrases: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Texts in their roles.

        Args:
            sentences: (t, d) of unit norm.
            phrases: (t, k, d) of unit norm.
            mask: bool (t, k), False in padding.

        Returns:
            (t, 2, d) subject and object, of unit norm; (t, d) centred sentences.
        """
        drop = self.shape.dropout[1]
        phrase_features = F.dropout(self._centred("phrase", phrases), drop, self.training)
        roles = (
            self._attend(phrase_features, mask) if self.shape.parse == "phrases" else phrase_features.expand(-1, 2, -1)
        )
        down, up = (p.expand(2, -1, -1) for p in (self.text_down, self.text_up))
        roles = roles + torch.einsum("trd,rde,ref->trf", roles, down, up)
        return F.normalize(roles, dim=-1), F.dropout(self._centred("sentence", sentences), drop, self.training)

    def forward(
        self,
        regions: Tensor,
        places: Tensor,
        mask: Tensor,
        roles: Tensor,
        sentences: Tensor,
        scene: Tensor,
        text: Tensor,
        *,
        whole: bool,
    ) -> Tensor:
        """Scores of questions, each a text about a scene.

        Args:
            regions: (s, n, d) of scenes, see `regions`.
            places: (s, n, 4).
            mask: bool (s, n), False in padding.
            roles: (t, 2, d) of texts, see `texts`.
            sentences: (t, d), likewise.
            scene: int64 (q,).
            text: int64 (q,).
            whole: Whether the scene is scored, or each region.

        Returns:
            (q,) if whole, else (q, n) with very low values where there is no region.
        """
        positions, relations = _geometry(places)
        q, n = len(scene), mask.shape[1]
        matches = self.scale * torch.bmm(regions[scene], roles[text].transpose(1, 2))
        by_place, by_relation = sentences @ self.place * _FAST, sentences @ self.relation * _FAST
        subject = matches[..., 0] + torch.bmm(positions[scene], by_place[text, :, None])[..., 0]
        relation = torch.bmm(relations.flatten(1, 2)[scene], by_relation[text, :, None]).view(q, n, n)
        other = mask[:, None, :] & ~torch.eye(n, dtype=torch.bool, device=mask.device)
        joined = (matches[:, None, :, 1] + relation).masked_fill(~other[scene], _NEVER).logsumexp(dim=2)
        joined = joined.masked_fill(~other[scene].any(dim=2), 0.0)  # A region by itself stands to nothing.
        scores = (subject + joined).masked_fill(~mask[scene], 2 * _NEVER)
        if not whole:
            return scores
        count = mask.sum(dim=1)[scene]
        presence = scores.logsumexp(dim=1) - (count * (count - 1).clamp(min=1)).log()
        return (1 + (sentences @ self.sign)[text]) * (presence - self.threshold)

    def _attend(self, phrases: Tensor, mask: Tensor) -> Tensor:
        """Each role's phrases, weighed by content and position, (t, 2, d)."""
        count = mask.sum(dim=1, keepdim=True)
        index = torch.arange(mask.shape[1], device=mask.device)
        position = torch.where(count > 1, 2 * index / (count - 1).clamp(min=1) - 1, 0.0)
        weight = phrases @ self.role + position[..., None] * self.order
        attention = weight.masked_fill(~mask[..., None], _NEVER).softmax(dim=1)
        return torch.einsum("tkr,tkd->trd", attention, phrases)

    def _centred(self, name: str, rows: Tensor) -> Tensor:
        mean: Tensor = getattr(self, f"{name}_mean")
        length: Tensor = getattr(self, f"{name}_length")
        return (rows - mean) / length


def _geometry(places: Tensor) -> tuple[Tensor, Tensor]:
    """Geometry of regions, of the order of 1: positions (s, n, 5), and relations of pairs (s, n, n, 8)."""
    left, top, right, bottom = places.unbind(dim=-1)
    centre = (left + right) / 2
    width, height = (right - left).clamp(min=1e-3), (bottom - top).clamp(min=1e-3)
    size = (width * height).log() / 2
    positions = torch.stack([2 * centre - 1, 2 * top - 1, 2 * bottom - 1, size + 1.5, (width / height).log()], dim=-1)

    def apart(values: Tensor) -> Tensor:
        return values[:, :, None] - values[:, None, :]

    across, tops, feet = apart(centre), apart(top), apart(bottom)
    distance = (across**2 + feet**2 + 1e-6).sqrt()
    relations = [3 * across, 3 * tops, 3 * feet, (6 * across).tanh(), (6 * tops).tanh(), (6 * feet).tanh()]
    return positions, torch.stack([*relations, 2 * apart(size), 3 * distance - 1], dim=-1)
