"""Prior correction by class shares of the target that are estimated without labels."""

from adapters.prior_correction.recipe import PriorCorrection, PriorCorrectionConfig

__all__ = ["PriorCorrection", "PriorCorrectionConfig"]
