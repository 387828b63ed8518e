"""Generator of `leaf-morphology`: leaves drawn from botanical terms, to be told apart by the shape of their blade."""

from benchmarks.botany.leaf_morphology.generate import generate

__all__ = ["generate"]
