"""Judge images that were made from prompts. Importing this package loads no model."""

from workbench.generated.judging import Judgement, judge
from workbench.generated.prompts import PromptedImages, read_prompts
from workbench.generated.recording import record_judgement
from workbench.generated.reference import Reference, reference_features

__all__ = [
    "Judgement",
    "PromptedImages",
    "Reference",
    "judge",
    "read_prompts",
    "record_judgement",
    "reference_features",
]
