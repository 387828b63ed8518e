"""Self-training: a recipe is fitted on images without labels, each with the class that it is likeliest of.

Lee, "Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks" (ICML Workshop on
Challenges in Representation Learning, 2013). Of the images that are taken for a class only the surest are labelled, as
in Huang, Chu and Wei, "Unsupervised Prompt Learning for Vision-Language Models" (2022): a threshold of probability,
the same for all, would give some classes none, since CLIP prefers some. Then the recipe labels the images anew, for as
many rounds as asked. Labelled images take part where there are any.

`self-training` fits a head on stored features, `self-training-lora` trains through the network, whose weights
`--model run:RUN` and `workbench export` take. Nothing of the target's labels is used: without validation images a
head's hyper-parameters are chosen by cross-validation on pseudo-labels, or are its defaults.
"""

from adapters.self_training.recipe import (
    SelfTraining,
    SelfTrainingConfig,
    SelfTrainingLora,
    SelfTrainingLoraConfig,
)

__all__ = ["SelfTraining", "SelfTrainingConfig", "SelfTrainingLora", "SelfTrainingLoraConfig"]
