"""Texts for Streamlit, which reads captions and labels as Markdown: data is escaped."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from workbench.formatting import counted
from workbench.tracking import RunResult

_CODE = re.compile(r"(`[^`]+`)")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>$~:&@/])")


def escaped(text: object) -> str:
    """Text that Streamlit's Markdown shows as it is: no markup, links, HTML, formulas, emoji codes or line breaks."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def with_code(text: str) -> str:
    """As `escaped`, with what stands between two backticks as code, in which Markdown reads nothing."""
    return "".join(
        part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in _CODE.split(" ".join(text.split()))
    )


def when(run: RunResult) -> str:
    """The time at which a run began."""
    return f"{datetime.fromtimestamp(run.started / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def runs_caption(runs: Sequence[RunResult]) -> str:
    """The runs of a view and the times at which they were made, in Markdown."""
    if not runs:
        return "No runs."
    suites = ", ".join(escaped(name) for name in sorted({run.suite for run in runs}))
    first, last = min(runs, key=lambda run: run.started), max(runs, key=lambda run: run.started)
    ids = f" ({', '.join(run.run_id[:8] for run in runs)})" if len(runs) <= 4 else ""
    span = when(first) if when(first) == when(last) else f"between {when(first)} and {when(last)}"
    return f"{counted(len(runs), 'run')}{ids} of {suites}, made {span}. The address of this page opens the same view."
