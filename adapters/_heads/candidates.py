"""What a sweep gave, and the best of it: for one validation set, or on average over folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adapters._heads.choice import Grid, Selection, Setting, best, rank
from adapters._heads.predictors import Space
from adapters._heads.training import Curves
from workbench.plugin import Predictor

Trial = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Swept:
    """What a grid gave for the tasks of a stack.

    Attributes:
        accuracy: (b, h) on validation, h the grid's points in its own order.
        nll: (b, h) likewise.
        build: Task and point to predictor.
        parameters: Number of fitted parameters of a task's predictor.
        found: Task and point to values that fitting found by itself, such as the number of steps.
        curves: Where points were trained step by step: `accuracy` and `nll` after other numbers of steps. Validation
            then chooses the number, and it stands in the setting as `steps`.
        converged: (b, h) where points were solved: whether the solver reached its tolerance.
        measure: What `accuracy` is called in the record of what was tried.
    """

    accuracy: Tensor
    nll: Tensor
    build: Callable[[int, int], Predictor]
    parameters: Callable[[int], int] = lambda _: 0
    found: Callable[[int, int], Setting] = lambda _, __: {}
    curves: Curves | None = None
    converged: Tensor | None = None
    measure: str = "accuracy"


@dataclass(frozen=True)
class Candidates:
    """One task's points with what validation says of each.

    Attributes:
        settings: h settings, what fitting found by itself included.
        accuracy: float64 (h,), or what stands for it.
        nll: float64 (h,).
        images: Number of images that were graded.
        fits: Number of fits behind the values.
        unsolved: Number of those that stopped before they converged.
        curves: See `Swept`, for this task alone.
        measure: See `Swept`.
        where: What precedes measures in the record: `val` or `cv`.
    """

    settings: list[Setting]
    accuracy: Tensor
    nll: Tensor
    images: int
    fits: int
    unsolved: int = 0
    curves: Curves | None = None
    measure: str = "accuracy"
    where: str = "val"

    @classmethod
    def of(cls, swept: Swept, grid: Grid, row: int, images: int) -> "Candidates":
        """Of one task of a stack."""
        curves, points = swept.curves, grid.points(row)
        return cls(
            settings=[{**point, **swept.found(row, j)} for j, point in enumerate(points)],
            accuracy=swept.accuracy[row].double().cpu(),
            nll=swept.nll[row].double().cpu(),
            images=images,
            fits=len(points),
            unsolved=0 if swept.converged is None else int((~swept.converged[row]).sum()),
            curves=curves and Curves(curves.steps, curves.accuracy[row].double().cpu(), curves.nll[row].double().cpu()),
            measure=swept.measure,
        )

    @classmethod
    def averaged(cls, folds: Sequence["Candidates"], selection: Selection) -> "Candidates":
        """Means over all images that were held out; folds are compared after equal numbers of steps.

        Args:
            folds: The same task's, from the same grid.
            selection: What the number of steps must be best at.
        """
        images = torch.tensor([own.images for own in folds], dtype=torch.float64)

        def mean(values: Sequence[Tensor]) -> Tensor:
            return (torch.stack(list(values), dim=-1) * images).sum(dim=-1) / images.sum()

        settings = folds[0].settings
        accuracy, nll = mean([own.accuracy for own in folds]), mean([own.nll for own in folds])
        curves = [own.curves for own in folds if own.curves is not None]
        if curves:
            accuracy, nll = mean([own.accuracy for own in curves]), mean([own.nll for own in curves])
            at = best(accuracy, nll, selection)[:, None]
            accuracy, nll = accuracy.gather(1, at)[:, 0], nll.gather(1, at)[:, 0]
            settings = [
                {**own, "steps": curves[0].steps[t]} for own, t in zip(settings, at[:, 0].tolist(), strict=True)
            ]
        return cls(
            settings,
            accuracy,
            nll,
            images=sum(own.images for own in folds),
            fits=sum(own.fits for own in folds),
            unsolved=sum(own.unsolved for own in folds),
            where="cv",
        )

    def best(self, selection: Selection) -> tuple[int, tuple[float, float]]:
        """The best point, and its rank to compare it with those of other feature spaces."""
        by = selection if self.measure == "accuracy" else "accuracy"  # A measure of its own is what counts.
        j = int(best(self.accuracy[None], self.nll[None], by)[0])
        return j, rank(float(self.accuracy[j]), float(self.nll[j]), by)

    def trials(self, space: Space) -> list[Trial]:
        """The record of what was tried."""
        return [
            {"features": space, **setting, f"{self.where}_{self.measure}": accuracy, f"{self.where}_nll": nll}
            for setting, accuracy, nll in zip(self.settings, self.accuracy.tolist(), self.nll.tolist(), strict=True)
        ]


@dataclass
class Best:
    """A task's best candidate so far.

    Attributes:
        space: Its features.
        setting: Its hyper-parameters.
        rank: What it is compared by.
        predictor: None until it is fitted.
        parameters: Number of fitted parameters.
        solved: Whether the fit converged, where it is one that can.
        trials: All that was tried.
        fits: Number of fits behind the trials.
        unsolved: Number of those that stopped before they converged.
    """

    space: Space
    setting: Setting
    rank: tuple[float, float] = (0.0, 0.0)
    predictor: Predictor | None = None
    parameters: int = 0
    solved: bool = True
    trials: list[Trial] = field(default_factory=list)
    fits: int = 0
    unsolved: int = 0

    def take(self, swept: Swept, row: int, j: int) -> None:
        """Take over the predictor of a task and a point."""
        self.predictor = swept.build(row, j)
        self.parameters = swept.parameters(row)
        self.solved = swept.converged is None or bool(swept.converged[row, j])

    @property
    def notes(self) -> tuple[str, ...]:
        """What did not converge."""
        said = []
        if not self.solved:
            said.append("The solver stopped before it reached its tolerance.")
        if self.unsolved:
            said.append(
                f"Of the {self.fits} fits that hyper-parameters were chosen from, {self.unsolved} stopped before they "
                "converged."
            )
        return tuple(said)
