"""Leaves of six shapes drawn from the superformula: the generator of `leaf-morphology`."""

from benchmarks.botany.leaf_morphology.generate import generate

__all__ = ["generate"]
