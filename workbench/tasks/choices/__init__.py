"""The common part of tasks that pick the best of candidates."""
