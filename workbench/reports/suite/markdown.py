"""A document as Markdown, its figures in files beside it."""

from collections.abc import Sequence

from workbench.reports._text import markdown
from workbench.reports.suite.blocks import Block, Bullets, Figure, Heading, Paragraph, TableBlock, TextCell


def to_markdown(blocks: Sequence[Block], figures: str) -> str:
    """GitHub-flavoured Markdown.

    Args:
        blocks: The document.
        figures: Folder of the figures, relative to the file.
    """
    return "\n\n".join(_block(block, figures) for block in blocks) + "\n"


def _block(block: Block, figures: str) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {markdown(text)}"
        case Paragraph(text):
            return markdown(text)
        case Bullets(items, title):
            return _titled(title, "\n".join(f"- {markdown(item)}" for item in items))
        case Figure(name, _, description):
            return f"![{markdown(description)}]({figures}/{name}.svg)"
        case TableBlock(header, rows, numbers, title):
            rule = ["---", *(["---:" if numbers else "---"] * (len(header) - 1))]
            lines = [_pipes(map(markdown, header)), _pipes(rule), *(_pipes(map(_cell, row)) for row in rows)]
            return _titled(title, "\n".join(lines))


def _cell(cell: TextCell) -> str:
    text = markdown(cell.text)
    return f"**{text}**" if cell.strong and text else text


def _titled(title: str, content: str) -> str:
    return f"{markdown(title)}:\n\n{content}" if title else content


def _pipes(cells: "map[str] | list[str]") -> str:
    return f"| {' | '.join(cells)} |"
