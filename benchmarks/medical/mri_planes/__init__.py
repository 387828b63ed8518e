"""Generator of `mri-planes`: slices of the MNI152 template, to be told apart by plane and tissue map.

The template (Fonov et al., NeuroImage 2011) ships with nilearn. It is exactly left-right symmetric, so a sagittal slice
and its mirror image are one anatomical place. Contiguous slabs are groups, all maps and both sides together, and slices
between slabs are left out, so that neighbours never stand in different splits.
"""

from benchmarks.medical.mri_planes.generate import generate

__all__ = ["generate"]
