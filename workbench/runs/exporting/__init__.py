"""Finished runs for other tools: networks, heads, and the model card beside them."""

from workbench.runs.exporting.export import FORMATS, Exported, Format, export_run, log_to_mlflow

__all__ = ["FORMATS", "Exported", "Format", "export_run", "log_to_mlflow"]
