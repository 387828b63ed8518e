"""What a suite shows, for people: on the terminal, as JSON, and as a report in Markdown and HTML."""

from workbench.reports.study.machine import study_json
from workbench.reports.study.terminal import study_text
from workbench.reports.study.write import write_report

__all__ = ["study_json", "study_text", "write_report"]
