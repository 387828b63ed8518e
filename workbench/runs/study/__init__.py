"""What a whole suite shows: recipes over seeds and datasets, compared pair by pair and by rank."""

from workbench.runs.study.contestants import Contestant, contestants, is_comparable, primary_of, seeds_beside
from workbench.runs.study.ranking import Ranking
from workbench.runs.study.study import Entry, Pair, Study, study_runs, study_suite

__all__ = [
    "Contestant",
    "Entry",
    "Pair",
    "Ranking",
    "Study",
    "contestants",
    "is_comparable",
    "primary_of",
    "seeds_beside",
    "study_runs",
    "study_suite",
]
