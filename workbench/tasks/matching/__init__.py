"""Matching: find the right text of an image among wrong ones, or decide whether statements are true."""

from workbench.tasks.matching.task import Matching

__all__ = ["Matching"]
