"""Self-training on pseudo-labels, of a head on features and through the network."""

from adapters.self_training.recipe import (
    SelfTraining,
    SelfTrainingConfig,
    SelfTrainingLora,
    SelfTrainingLoraConfig,
)

__all__ = ["SelfTraining", "SelfTrainingConfig", "SelfTrainingLora", "SelfTrainingLoraConfig"]
