"""Slices of the MNI152 brain template in three planes and maps: the generators of `mri-planes` and of its domains."""

from benchmarks.medical.mri_planes.domains import generate_domains
from benchmarks.medical.mri_planes.generate import generate

__all__ = ["generate", "generate_domains"]
