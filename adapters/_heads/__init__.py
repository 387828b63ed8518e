"""Shared parts of the recipes on cached features: padded batches of few-shot tasks, choice on validation, solvers."""
