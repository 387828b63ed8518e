"""Counting: say how many things an image shows."""

from nearest_prompt.counting.task import Counting

__all__ = ["Counting"]
