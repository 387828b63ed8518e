"""LoRA: low-rank adapters in either tower of a dual encoder, trained to classify.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (ICLR 2022): a frozen layer W becomes
W + alpha / rank * B A, of which A and B are trained; B begins as zero, so training starts from the pretrained model.
The adapters are peft's. Logits are scaled cosines between image and class embeddings, as in CLIP (Radford et al., ICML
2021, section 2.3), so the adapted model stays a dual encoder: it can be merged, exported, asked about other classes.
"""

from adapters.lora.recipe import Lora, LoraSettings

__all__ = ["Lora", "LoraSettings"]
