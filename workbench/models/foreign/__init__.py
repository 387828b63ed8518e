"""Models in the formats of transformers and timm, recognised by what their folder holds."""

from workbench.models.foreign.formats import ForeignModel, foreign

__all__ = ["ForeignModel", "foreign"]
