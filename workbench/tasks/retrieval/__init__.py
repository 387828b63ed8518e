"""Retrieval: find the texts of an image, and the images of a text."""

from workbench.tasks.retrieval.task import Retrieval

__all__ = ["Retrieval"]
