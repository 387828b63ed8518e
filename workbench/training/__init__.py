"""What recipes share that train the network: pixels, epochs, mixed precision."""

from workbench.training.loop import Schedule, fit_epochs, training_precision
from workbench.training.pixels import evaluation_batches, training_pixels

__all__ = ["Schedule", "evaluation_batches", "fit_epochs", "training_pixels", "training_precision"]
