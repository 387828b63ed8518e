"""Leaves of six shapes drawn from the superformula: the generators of `leaf-morphology` and of its domains."""

from benchmarks.botany.leaf_morphology.domains import generate_domains
from benchmarks.botany.leaf_morphology.generate import generate

__all__ = ["generate", "generate_domains"]
