"""Names of params and tags in the run record, shared by what writes and what reads it."""

RUN_KEY = "workbench.run_key"
SUITE = "workbench.suite"
LABEL = "workbench.label"
PRIMARY_METRIC = "workbench.primary_metric"
ERROR = "workbench.error"
HOST = "workbench.host"
LANGUAGE = "language"
PREDICTIONS = "predictions.parquet"
GENERATION = "generation"
"""The task of runs that judge generated images: they have scores, and no test items."""

IDENTITY_PARAMS = ("model", "dataset", "field", "task", "recipe", "shots", "seed")
"""Params that every run has; those of the recipe's config follow, under `recipe.`."""
