"""Results for people: tables and figures. Rich and matplotlib load when something is rendered."""

from workbench.reports.figures import confusion_matrix_figure, png_bytes, reliability_figure, save_png
from workbench.reports.tables import Format, render

__all__ = ["Format", "confusion_matrix_figure", "png_bytes", "reliability_figure", "render", "save_png"]
