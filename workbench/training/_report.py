"""The report of a training run."""

from collections.abc import Mapping

from torch import nn

from workbench.recipes import FitReport
from workbench.recipes.fitted import Scalar
from workbench.training.loop import Quality, TrainingResult


def fit_report(
    trained: TrainingResult,
    parameters: Mapping[str, nn.Parameter],
    alpha: float,
    tried: Mapping[float, Quality],
    *,
    refit: bool,
    unseen: bool,
    fixed: bool = False,
) -> FitReport:
    """The report of a training run.

    Args:
        trained: Its result.
        parameters: The trained parameters.
        alpha: Step between the weights before and after training that was taken.
        tried: Validation at each step that was tried.
        refit: Whether the suite asked for a fit on train and validation.
        unseen: Whether there are classes without images.
        fixed: Whether the number of epochs was given, and the last of them is kept.
    """
    notes = []
    if fixed:
        notes.append("The number of epochs is the published one, and the last is kept.")
    elif not trained.qualities:
        notes.append("There is no validation split, so the last epoch is kept.")
    elif trained.epoch == 0:
        notes.append("No epoch was better on validation than the model before training, whose weights are kept.")
    elif refit:
        notes.append(f"Trained again on train and validation for the {trained.epoch} epochs that validation chose.")
    if trained.idle:
        notes.append(f"{len(trained.idle)} trained parameters have no part in the result, {trained.idle[0]} first.")
    if unseen:
        # Calibrated stacking would need a second training without some of the seen classes.
        notes.append("Training favours the classes it has seen, and no margin is taken off their scores.")
    history = {"train_loss": trained.losses}
    if trained.qualities:
        for key in trained.qualities[0].measures:
            history[f"val_{key}"] = [quality.measures[key] for quality in trained.qualities[1:]]
    trials: list[dict[str, Scalar]] = [
        {"epoch": epoch, **_named(quality)} for epoch, quality in enumerate(trained.qualities)
    ]
    trials += [{"epoch": trained.epoch, "alpha": step, **_named(quality)} for step, quality in tried.items()]
    moved = bool(trained.epoch) and (bool(tried) or alpha != 1)
    return FitReport(
        chosen={"epoch": trained.epoch, **({"alpha": alpha} if moved else {})},
        trials=trials,
        trainable_parameters=sum(parameter.numel() for parameter in parameters.values()),
        history=history,
        notes=tuple(notes),
    )


def _named(quality: Quality) -> dict[str, Scalar]:
    return {f"val_{key}": value for key, value in quality.measures.items()}
