"""Dataset cards by field, suites, and the generators of the embedded datasets."""
