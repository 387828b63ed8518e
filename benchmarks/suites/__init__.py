"""Suites that ship with the workbench."""
