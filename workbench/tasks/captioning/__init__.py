"""Captioning: describe an image in a sentence."""

from workbench.tasks.captioning.task import Captioning

__all__ = ["Captioning"]
