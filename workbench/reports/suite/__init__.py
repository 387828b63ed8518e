"""A suite's results: on the terminal, as JSON, and as a report in Markdown and HTML."""

from workbench.reports.suite.machine import suite_json
from workbench.reports.suite.terminal import suite_text
from workbench.reports.suite.write import write_report

__all__ = ["suite_json", "suite_text", "write_report"]
