"""Corruptions of images, as domains to test on: `names` are light to read, `catalogue` has what they do."""
