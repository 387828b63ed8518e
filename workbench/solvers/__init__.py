"""Solvers for convex heads, batched: many problems of one shape are solved together."""

from workbench.solvers._lbfgs import Minimum, minimise

__all__ = ["Minimum", "minimise"]
