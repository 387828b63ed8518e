"""`predictions.parquet`: enough to compute every metric of a run again without a model."""

from workbench.runs.predictions.captions import WrittenCaptions
from workbench.runs.predictions.choices import STATEMENT_RANKING, ScoredChoices
from workbench.runs.predictions.classes import match_classes
from workbench.runs.predictions.classification import Predictions, read_predictions, write_predictions
from workbench.runs.predictions.groups import group_codes
from workbench.runs.predictions.joint import ItemValues, JointPredictions
from workbench.runs.predictions.reading import read_joint_predictions
from workbench.runs.predictions.retrieval import DIRECTIONS, RankedQueries

__all__ = [
    "DIRECTIONS",
    "STATEMENT_RANKING",
    "ItemValues",
    "JointPredictions",
    "Predictions",
    "RankedQueries",
    "ScoredChoices",
    "WrittenCaptions",
    "group_codes",
    "match_classes",
    "read_joint_predictions",
    "read_predictions",
    "write_predictions",
]
