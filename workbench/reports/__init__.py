"""Results for people: tables. Rich loads when something is rendered."""

from workbench.reports.tables import Format, render

__all__ = ["Format", "render"]
