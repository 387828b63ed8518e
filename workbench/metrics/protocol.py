"""The version of how numbers are made."""

PROTOCOL = "2"
"""Raise it when the same recipe on the same data is evaluated differently; runs of another are left out of tables."""
