"""Judged images: what a model says of generated pictures. There is no dataset, and no recipe fits anything."""

from workbench.tasks.generation.task import NAME, Generation

__all__ = ["NAME", "Generation"]
