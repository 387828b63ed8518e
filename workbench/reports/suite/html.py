"""A document as one HTML file that loads nothing from elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from workbench.pages import fill
from workbench.reports.suite.blocks import Block, Heading

_TEMPLATE = Path(__file__).with_name("report.html.j2")


def to_html(blocks: Sequence[Block]) -> str:
    """The document; figures are inside it."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Report")
    return fill(_TEMPLATE, title=title, blocks=[(type(block).__name__, block) for block in blocks])
