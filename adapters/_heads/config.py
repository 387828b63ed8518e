"""Settings that recipes on features have in common."""

from typing import Literal

from pydantic import Field

from adapters._heads.choice import SearchGrid, Selection
from workbench.plugin import RecipeConfig

SpaceChoice = Literal["auto", "pooled", "projected"]


class HeadConfig(RecipeConfig):
    """Settings of every recipe on features.

    Attributes:
        selection: The measure that hyper-parameters are chosen by on validation: `nll` (the mean negative
            log-likelihood) or `accuracy`, and of equals the other of the two.
        validation: Where the card has no validation split: `cv` chooses by cross-validation within training and fits
            all of it, `split` chooses on a part of training that is held out.
    """

    selection: Selection = "nll"
    validation: Literal["cv", "split"] = "cv"


class SolvedConfig(HeadConfig):
    """Settings of recipes that solve for their weights.

    Attributes:
        sweep_tolerance: Norm of the gradient where a sweep goes on to its next point, relative to that at zero weights.
        tolerance: The same at the chosen solution.
        max_iterations: Bound on the solver's iterations for one point.
    """

    sweep_tolerance: float = Field(default=1e-3, gt=0)
    tolerance: float = Field(default=1e-4, gt=0)
    max_iterations: int = Field(default=1000, gt=0)

    def tolerance_of(self, grid: SearchGrid) -> float:
        """The tolerance of a single point, or of a sweep."""
        return self.tolerance if len(grid.points(0)) == 1 else self.sweep_tolerance
