"""Adapt a model to a field by contrastive training on its images and texts. Importing this package loads no torch."""
