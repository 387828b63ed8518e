"""The common part of tasks on images and texts."""
