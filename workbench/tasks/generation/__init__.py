"""Generated images, scored by a model. There is no dataset, and no recipe."""

from workbench.tasks.generation.task import NAME, Generation

__all__ = ["NAME", "Generation"]
