"""What the comparison of a suite shows: each group's result, each pair's difference, the rankings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.formatting import counted
from workbench.metrics import Estimate, PairedDifference, is_evident
from workbench.runs.comparisons.groups import RunGroup
from workbench.runs.comparisons.ranking import RecipeRanking
from workbench.tracking import RunResult

if TYPE_CHECKING:
    from workbench.runs.comparisons.learning import LearningCurve


@dataclass(frozen=True)
class GroupResult:
    """A group with its result.

    Attributes:
        group: The runs.
        metric: Its name.
        estimate: Mean over seeds, with its interval over seeds and items.
        by_seed: Value of each seed.
        spread: Standard deviation over seeds; NaN with one.
    """

    group: RunGroup
    metric: str
    estimate: Estimate
    by_seed: tuple[float, ...]
    spread: float

    @property
    def run(self) -> RunResult:
        """A run that stands for all seeds."""
        return self.group.first

    @property
    def chance(self) -> float | None:
        """The metric's chance level; None where it is unknown."""
        return self.run.metrics.get(f"chance_{self.metric}")


@dataclass(frozen=True)
class GroupComparison:
    """Two entries on the same dataset, compared.

    Attributes:
        kind: `recipes` (same shots), `shots` (the same recipe with the most and the fewest shots) or `names` (the same
            recipe on the same items, whose classes have other names or another language).
        model: Model at which they meet.
        shots: Number of shots at which they meet; of the first where they differ in it.
        first: The better one on average, or the one with more shots.
        other: The other.
        difference: First minus other.
        p_corrected: Holm-corrected over all pairs of the suite and metric.
        sentence: The result in words.
    """

    kind: str
    model: str
    shots: str
    first: GroupResult
    other: GroupResult
    difference: PairedDifference
    p_corrected: float
    sentence: str

    @property
    def decided(self) -> bool:
        """Whether a difference is shown: by the corrected test and by the interval."""
        return is_evident(self.difference, self.p_corrected)


@dataclass(frozen=True)
class SuiteComparison:
    """Results of a suite, compared.

    Attributes:
        suite: Its name.
        metric: The chosen metric; None where each dataset's card decides.
        results: Every group.
        pairs: Every comparison; the family of the Holm correction.
        rankings: One a model and number of shots.
        notes: Sentences about runs and datasets that were left out.
        curves: Recipes at several numbers of training images, and how they go on.
    """

    suite: str
    metric: str | None
    results: tuple[GroupResult, ...]
    pairs: tuple[GroupComparison, ...]
    rankings: tuple[RecipeRanking, ...]
    notes: tuple[str, ...]
    curves: tuple["LearningCurve", ...] = ()

    @property
    def family(self) -> str:
        """The family of the Holm correction, in a sentence."""
        metric = self.metric or "each dataset's primary metric"
        comparisons = counted(len(self.pairs), "comparison")
        return (
            f"p-values are Holm-corrected over the {comparisons} of suite {self.suite} in {metric}, whatever part of "
            "them is shown."
        )
