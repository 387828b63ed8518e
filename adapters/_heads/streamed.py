"""Regularised logistic regression on more images than fit into memory: each step reads them once, in blocks.

The objective, its start and its stopping rule are those of `convex`, so that the solution is the same: a sum over
images is summed block by block. Features stay as they are; they are centred and turned into their principal axes by
what they are multiplied with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from adapters._heads.choice import quality
from adapters._heads.large_images import Block, LargeImages
from adapters._heads.objective import Problems, class_spread, inverse_of_spread, objective, prior_of
from adapters._heads.predictors import Space
from workbench.plugin import minimise


def graded_in_blocks(
    images: LargeImages,
    spaces: Sequence[Space],
    logits: Callable[..., Tensor],
    points: int,
    *,
    multi_label: bool = False,
) -> tuple[Tensor, Tensor]:
    """`choice.quality` of one task's images, two (h,) tensors.

    Args:
        images: The images.
        spaces: Features that `logits` needs.
        logits: A block of each of the spaces to (h, m, n_classes).
        points: h.
        multi_label: See `quality`.
    """
    sums = torch.zeros(2, points, dtype=torch.float64)
    for blocks in zip(*(images.blocks(space, points) for space in spaces), strict=True):
        m = len(blocks[0].x)
        means = quality(
            logits(*blocks)[None], blocks[0].target[None], blocks[0].x.new_ones(1, m), multi_label=multi_label
        )
        sums = sums.to(means[0].device) + m * torch.cat(means)
    accuracy, nll = sums / max(1, len(images))
    return accuracy, nll


@dataclass(frozen=True)
class StreamedSolutions:
    """Weights at every penalty, for features of unit norm.

    Attributes:
        weight: (h, n_classes, d).
        bias: (h, n_classes).
        converged: (h,).
    """

    weight: Tensor
    bias: Tensor
    converged: Tensor

    def quality(self, images: LargeImages, space: Space, *, multi_label: bool) -> tuple[Tensor, Tensor]:
        """See `choice.quality`, two (h,) tensors."""
        h, c, d = self.weight.shape

        def logits(block: Block) -> Tensor:
            side_by_side = block.x @ self.weight.view(h * c, d).T
            return side_by_side.view(-1, h, c).transpose(0, 1) + self.bias[:, None]

        return graded_in_blocks(images, [space], logits, h, multi_label=multi_label)


class StreamedProblem:
    """One task whose images are read in blocks.

    Args:
        images: The images to fit.
        space: Their features.
        multi_label: One binary model a class.
    """

    def __init__(self, images: LargeImages, space: Space, *, multi_label: bool) -> None:
        self._images, self._space, self._multi_label = images, space, multi_label
        self._owner = torch.zeros(1, dtype=torch.int64)
        total, second, positive, known = reduce(_added, map(_sums, images.blocks(space)))
        n = len(images)
        self._owner = self._owner.to(total.device)
        self.mean = total / n
        eigen = torch.linalg.eigh(second / n - torch.outer(self.mean, self.mean))
        self._variance, self._principal = eigen.eigenvalues.clamp(min=0), eigen.eigenvectors
        self._absent = positive == 0
        self.start = prior_of(positive / n, known / n, n, multi_label=multi_label)

    def _problems(self, block: Block) -> Problems:
        """A block as a problem of its own: its part of the sum over all images."""
        unknown = block.target.isnan()
        return Problems(
            (block.x - self.mean)[None],
            block.target.nan_to_num()[None],
            block.x.new_full((1, 1, len(block.x)), 1 / len(self._images)),
            multi_label=self._multi_label,
            known=(~unknown).double()[None] if bool(unknown.any()) else None,
            absent=self._absent[None],
        )

    def _full(self, parameters: Tensor) -> Tensor:
        """Parameters (1, p) along the principal axes as those of centred features."""
        d, c = len(self.mean), len(self._absent)
        weight = self._principal @ parameters[0, : d * c].view(d, c)
        return torch.cat([weight.flatten(), parameters[0, d * c :]])[None]

    def objective(self, penalty: float) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """What `minimise` asks for; the penalty has its part once."""
        d, c = len(self.mean), len(self._absent)

        def loss_and_gradient(parameters: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
            full = self._full(parameters)
            loss, gradient = full.new_zeros(1), torch.zeros_like(full)
            none = full.new_zeros(1, c)
            for block in self._images.blocks(self._space):
                part_loss, part_gradient = objective(self._problems(block), self._owner, none)(full, index)
                loss, gradient = loss + part_loss, gradient + part_gradient
            weight, slope = parameters[:, : d * c], gradient[:, d * c :]
            turned = (self._principal.T @ gradient[0, : d * c].view(d, c)).flatten()[None] + penalty * weight
            return loss + penalty * weight.square().sum(dim=1) / 2, torch.cat([turned, slope], dim=1)

        return loss_and_gradient

    def preconditioner(self, penalty: float, parameters: Tensor) -> Tensor:
        """See `objective.inverse_curvature`."""
        full, c = self._full(parameters), len(self._absent)
        spread = full.new_zeros(1, c)
        for block in self._images.blocks(self._space):
            spread = spread + class_spread(self._problems(block), self._owner, full)
        total = full.new_ones(1, 1)
        return inverse_of_spread(spread, total, self._variance[None], full.new_full((1, c), penalty))

    def solve(self, penalties: Sequence[float], *, tolerance: float, iterations: int) -> StreamedSolutions:
        """Solve for each penalty, from the strongest to the weakest, each from the solution before.

        Args:
            penalties: h positive numbers.
            tolerance: See `convex.solve`.
            iterations: Bound for each penalty.
        """
        d, c = len(self.mean), len(self._absent)
        current = torch.cat([self.mean.new_zeros(d * c), self.start])[None]
        nothing = self.objective(0.0)(torch.zeros_like(current), self._owner)[1].norm(dim=1)
        found: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        for k in sorted(range(len(penalties)), key=lambda k: -penalties[k]):
            result = minimise(
                self.objective(penalties[k]),
                current,
                tolerance=tolerance * nothing,
                max_iterations=iterations,
                history=6,
                preconditioner=self.preconditioner(penalties[k], current),
            )
            current = result.x
            full = self._full(current)[0]
            weight = full[: d * c].view(d, c).T
            found[k] = weight, full[d * c :] - weight @ self.mean, result.converged[0]
        weights, biases, converged = zip(*(found[k] for k in range(len(penalties))), strict=True)
        return StreamedSolutions(torch.stack(weights), torch.stack(biases), torch.stack(converged))


def _added(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _sums(block: Block) -> tuple[Tensor, ...]:
    """Of a block: features, their products, labels, and labels that are known."""
    known = (~block.target.isnan()).double().sum(dim=0)
    return block.x.sum(dim=0), block.x.T @ block.x, block.target.nan_to_num().sum(dim=0), known
