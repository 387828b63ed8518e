"""Grounding: pick the box that an instruction means."""

from workbench.tasks.grounding.task import Grounding

__all__ = ["Grounding"]
