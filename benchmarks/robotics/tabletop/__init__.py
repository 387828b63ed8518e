"""Ray-traced table scenes with boxes, relations and captions: the generators of `tabletop` and of its domains."""

from benchmarks.robotics.tabletop.domains import generate_domains
from benchmarks.robotics.tabletop.generate import generate

__all__ = ["generate", "generate_domains"]
