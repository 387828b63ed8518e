"""The results of a sweep, and the best of them: on one validation set, or on average over folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adapters._heads.choice import SearchGrid, Selection, Setting, best, rank
from adapters._heads.predictors import Space
from adapters._heads.training import Curves
from workbench.plugin import Predictor

Trial = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class SweepResult:
    """The results of a grid for the tasks of a batch.

    Attributes:
        accuracy: (b, h) on validation, h the grid's points in its order.
        nll: (b, h) likewise.
        build: Task and point to predictor.
        parameters: Number of fitted parameters of a task's predictor.
        fitted_values: Task and point to values that fitting chose itself, such as the number of steps.
        curves: Where points were trained step by step: `accuracy` and `nll` after other numbers of steps. Validation
            then chooses the number, and it stands in the setting as `steps`.
        converged: (b, h) where points were solved: whether the solver reached its tolerance.
        measure: The name of `accuracy` in the record of trials.
    """

    accuracy: Tensor
    nll: Tensor
    build: Callable[[int, int], Predictor]
    parameters: Callable[[int], int] = lambda _: 0
    fitted_values: Callable[[int, int], Setting] = lambda _, __: {}
    curves: Curves | None = None
    converged: Tensor | None = None
    measure: str = "accuracy"


@dataclass(frozen=True)
class GridScores:
    """The validation scores of one task's grid points.

    Attributes:
        settings: h settings, with the values that fitting chose itself.
        accuracy: float64 (h,), or the measure that replaces it.
        nll: float64 (h,).
        images: Number of images that were graded.
        fits: Number of fits that the scores come from.
        unsolved: Number of those that stopped before they converged.
        curves: See `SweepResult`, for this task alone.
        measure: See `SweepResult`.
        where: Prefix of measures in the record: `val` or `cv`.
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
    def of(cls, swept: SweepResult, grid: SearchGrid, row: int, images: int) -> "GridScores":
        """The scores of one task of a batch."""
        curves, points = swept.curves, grid.points(row)
        return cls(
            settings=[{**point, **swept.fitted_values(row, j)} for j, point in enumerate(points)],
            accuracy=swept.accuracy[row].double().cpu(),
            nll=swept.nll[row].double().cpu(),
            images=images,
            fits=len(points),
            unsolved=0 if swept.converged is None else int((~swept.converged[row]).sum()),
            curves=curves and Curves(curves.steps, curves.accuracy[row].double().cpu(), curves.nll[row].double().cpu()),
            measure=swept.measure,
        )

    @classmethod
    def averaged(cls, folds: Sequence["GridScores"], selection: Selection) -> "GridScores":
        """Means over all images that were held out; folds are compared after equal numbers of steps.

        Args:
            folds: The same task's, from the same grid.
            selection: The measure that chooses the number of steps.
        """
        images = torch.tensor([fold.images for fold in folds], dtype=torch.float64)

        def mean(values: Sequence[Tensor]) -> Tensor:
            return (torch.stack(list(values), dim=-1) * images).sum(dim=-1) / images.sum()

        settings = folds[0].settings
        accuracy, nll = mean([fold.accuracy for fold in folds]), mean([fold.nll for fold in folds])
        curves = [fold.curves for fold in folds if fold.curves is not None]
        if curves:
            accuracy, nll = mean([curve.accuracy for curve in curves]), mean([curve.nll for curve in curves])
            step_index = best(accuracy, nll, selection)[:, None]
            accuracy, nll = accuracy.gather(1, step_index)[:, 0], nll.gather(1, step_index)[:, 0]
            settings = [
                {**setting, "steps": curves[0].steps[t]}
                for setting, t in zip(settings, step_index[:, 0].tolist(), strict=True)
            ]
        return cls(
            settings,
            accuracy,
            nll,
            images=sum(fold.images for fold in folds),
            fits=sum(fold.fits for fold in folds),
            unsolved=sum(fold.unsolved for fold in folds),
            where="cv",
        )

    def best(self, selection: Selection) -> tuple[int, tuple[float, float]]:
        """The best point, and its rank to compare it with those of other feature spaces."""
        by = selection if self.measure == "accuracy" else "accuracy"  # A measure that replaces accuracy decides.
        j = int(best(self.accuracy[None], self.nll[None], by)[0])
        return j, rank(float(self.accuracy[j]), float(self.nll[j]), by)

    def trials(self, space: Space) -> list[Trial]:
        """The record of all grid points."""
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
        rank: Compares it with other candidates.
        predictor: None until it is fitted.
        parameters: Number of fitted parameters.
        solved: Whether the fit converged, where it is one that can.
        trials: All that was tried.
        fits: Number of fits that the trials come from.
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

    def take(self, swept: SweepResult, row: int, j: int) -> None:
        """Keep the predictor of a task and a grid point."""
        self.predictor = swept.build(row, j)
        self.parameters = swept.parameters(row)
        self.solved = swept.converged is None or bool(swept.converged[row, j])

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on fits that did not converge."""
        notes = []
        if not self.solved:
            notes.append("The solver stopped before it reached its tolerance.")
        if self.unsolved:
            notes.append(
                f"Of the {self.fits} fits that hyper-parameters were chosen from, {self.unsolved} stopped before they "
                "converged."
            )
        return tuple(notes)
