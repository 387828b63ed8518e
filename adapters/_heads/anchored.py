"""Linear heads that learn a difference from the zero-shot weights under an L2 penalty."""

from torch import Tensor

from adapters._heads.batches import TaskBatch
from adapters._heads.choice import SearchGrid, graded
from adapters._heads.convex import solve
from adapters._heads.objective import Problems
from adapters._heads.predictors import BlendedLinear
from adapters._heads.span import span
from adapters._heads.sweep import SweepResult


def sweep_anchored(
    batch: TaskBatch,
    grid: SearchGrid,
    penalty: Tensor,
    *,
    share: Tensor | None = None,
    importance: Tensor | None = None,
    tolerance: float,
    iterations: int,
) -> SweepResult:
    """Solve for every text weight and penalty.

    Args:
        batch: The tasks.
        grid: Has the axis `text_weight` first, and the penalty's second.
        penalty: (b, h) penalties on the mean loss, in the order of the second axis.
        share: (b, n_classes) multiplies a class's penalty.
        importance: (b, t, n) weights of the images for every text weight; equal ones that add up to 1 where left out.
        tolerance: Norm of the gradient at a solution, relative to that at zero weights.
        iterations: Bound on the solver's iterations for one penalty.
    """
    train, val, text_weight = batch.train, batch.val, grid["text_weight"]
    reduced = span(train, val, centre=False)
    if importance is None:
        importance = (train.mask / train.count[:, None])[:, None].expand(-1, text_weight.shape[1], -1)
    offset = text_weight[:, :, None, None] * train.text_logits[:, None]
    problems = Problems(reduced.train, train.target, importance, offset, intercept=False)
    solutions = solve(problems, penalty, share=share, tolerance=tolerance, iterations=iterations)
    difference_logits = solutions.logits(reduced.val)

    def logits(k: int) -> Tensor:
        return difference_logits[:, k] + text_weight[:, k, None, None, None] * val.text_logits[:, None]

    accuracy, nll = graded(logits, text_weight.shape[1], val.target, val.mask)

    def build(i: int, j: int) -> BlendedLinear:
        t, h = divmod(j, penalty.shape[1])
        weight, bias = reduced.weights(i, solutions.weight[i, t, h], solutions.bias[i, t, h])
        scale = float(text_weight[i, t] * batch.scale[i])
        return BlendedLinear.of(batch.space, weight, bias, scale * batch.text[i], scale=scale)

    c, r = batch.n_classes, train.x.shape[2]
    return SweepResult(accuracy, nll, build, parameters=lambda _: c * (r + 1), converged=solutions.converged.flatten(1))
