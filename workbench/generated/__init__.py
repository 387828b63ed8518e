"""Judge images that were made from prompts. Importing this package loads no model."""

from workbench.generated.judging import Judgement, judge, reference_features
from workbench.generated.prompts import PromptedImages, read_prompts
from workbench.generated.recording import record_judgement

__all__ = ["Judgement", "PromptedImages", "judge", "read_prompts", "record_judgement", "reference_features"]
