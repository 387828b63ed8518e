"""Botanical datasets: cards and the generator of leaf-morphology."""
