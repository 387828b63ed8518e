"""How much wordings matter: templates of a card compared on validation images, and what the tokenizer makes of them."""

from workbench.prompting.comparing import PromptComparison, TemplateResult, compare_prompts
from workbench.prompting.wording import WordingFaults

__all__ = ["PromptComparison", "TemplateResult", "WordingFaults", "compare_prompts"]
