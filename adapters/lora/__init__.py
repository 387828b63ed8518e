"""Low-rank adapters on either tower, trained against the class names' embeddings.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022), by way of peft. Logits are scaled cosines
between image and class embeddings, as in CLIP (Radford et al., 2021, section 2.3), so the adapted model stays a dual
encoder: it can be merged, exported, and asked about classes that it was not trained on. Batch-normalisation statistics
stay as they are. The epoch is chosen on validation, and the unadapted model takes part in that choice.
"""

from adapters.lora.recipe import Lora, LoraSettings

__all__ = ["Lora", "LoraSettings"]
