"""Linear heads on frozen features of images and texts, trained to place matching images and texts close together.

An embedding becomes `u - mean(u) + (x - mean(x)) @ W + offset`, with u the model's own unit-norm embedding and x
unit-norm features: for images pooled or projected ones, for texts the embedding itself. W begins at zero, in full or as
a product of two thin matrices (Hu et al., "LoRA", ICLR 2022), so that training begins at the model's own space,
centred: the means of images and texts lie apart (Liang et al., "Mind the Gap", NeurIPS 2022), which makes some texts
the neighbours of all images. Since texts pass through the head, it can score classes and descriptions that training did
not have.
"""

from adapters.linear_head.classifier import HeadClassifier
from adapters.linear_head.recipe import LinearHead, LinearHeadConfig

__all__ = ["HeadClassifier", "LinearHead", "LinearHeadConfig"]
