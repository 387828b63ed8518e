"""Matching: tell the right text of an image from wrong ones, or true statements from false ones."""

from workbench.tasks.matching.task import Matching

__all__ = ["Matching"]
