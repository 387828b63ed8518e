"""Prior correction: a classifier whose answers follow the class shares of the target, estimated without labels.

Under label shift classes look as they did, and are more or less frequent. A classifier's probabilities are then right
once each is multiplied by w_c = target share / source share and they are normalised anew. `method` estimates the target
shares from images without labels:

- `em`: Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities: A
  Simple Procedure" (Neural Computation 2002): shares are the mean of the corrected probabilities, in turns until they
  agree, which is the maximum of the likelihood.
- `bbse`: Lipton, Wang and Smola, "Detecting and Correcting for Label Shift with Black Box Predictors" (ICML 2018): w
  solves C w = m, where C holds the shares of (predicted, true) on validation images of the source, and m the shares of
  predicted classes on the target; below 0 it is 0. Here it corrects probabilities, where the paper trains anew.

Both want calibrated probabilities (Alexandari, Kundaje and Shrikumar, "Maximum Likelihood with Bias-Corrected
Calibration is Hard-To-Beat at Label Shift Adaptation", ICML 2020): where there are validation images, a temperature
and a bias for each class are chosen on them by NLL, as there, and the source's shares are theirs. What differs: where
validation has few images a class, a temperature alone, or nothing, has the least NLL in cross-validation and is taken.

With `pool = "test"` the shares are those of the test images (transductive), with `pool = "unlabelled"` those of the
unlabelled ones (inductive). Classes never predicted on the source make C singular: of its solutions the shortest
counts.
"""

from adapters.prior_correction.recipe import PriorCorrection, PriorCorrectionConfig

__all__ = ["PriorCorrection", "PriorCorrectionConfig"]
