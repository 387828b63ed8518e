"""Solvers for convex heads, batched: many problems of one shape are solved together."""

from workbench.solvers._lbfgs import Minimum, minimise
from workbench.solvers._logistic import LogisticFit, fit_logistic

__all__ = ["LogisticFit", "Minimum", "fit_logistic", "minimise"]
