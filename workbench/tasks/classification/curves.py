"""Curves of a run with positive classes: a figure and the numbers behind it."""

from pathlib import Path

from workbench.decision_figures import decision_curve_figure
from workbench.figures import save_png
from workbench.metrics.curves import decision_curves, rows_of
from workbench.tables import write_table
from workbench.tasks.classification.decided import decisions_of
from workbench.tasks.classification.predictions import ClassPredictions

CURVES = "decision_curves"


def draw_curves(predictions: ClassPredictions, folder: Path) -> None:
    """Write `decision_curves.png` and `.csv`; nothing where no class is positive, or test has one kind alone."""
    decisions, choices = decisions_of(predictions), predictions.choices
    if decisions is None or choices is None:
        return
    curves = decision_curves(decisions.margins, decisions.positive, predictions.group_codes)
    if not curves:
        return
    positive, decided = decisions.positive, decisions.decided
    points = list(zip(decided[positive].mean(axis=0), 1 - decided[~positive].mean(axis=0), strict=True))
    names = [predictions.class_names[i] for i in choices.positives]
    save_png(decision_curve_figure(curves, positive, names, points), folder / f"{CURVES}.png")
    write_table(folder / f"{CURVES}.csv", rows_of(curves))
