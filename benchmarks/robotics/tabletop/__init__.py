"""Ray-traced table scenes with boxes, relations, captions and instructions: the generator of `tabletop`."""

from benchmarks.robotics.tabletop.generate import generate

__all__ = ["generate"]
