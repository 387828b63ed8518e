"""Slices of the MNI152 brain template in three planes and three maps: the generator of `mri-planes`."""

from benchmarks.medical.mri_planes.generate import generate

__all__ = ["generate"]
