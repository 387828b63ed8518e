"""A document as one HTML file that loads nothing from elsewhere."""

import base64
from collections.abc import Sequence
from html import escape

from workbench.reports._text import plain
from workbench.reports.study.blocks import Block, Bullets, Cell, Figure, Heading, Paragraph, Table

_STYLE = """
:root { color-scheme: light }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 68rem; margin: 0 auto;
  padding: 1rem }
h1 { font-size: 1.7rem; line-height: 1.25 } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ddd }
p, li { max-width: 46rem; overflow-wrap: anywhere }
.wide { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #e4e4e4; text-align: left; vertical-align: top }
.numbers td + td, .numbers th + th { text-align: right; white-space: nowrap }
td:first-child, th:first-child { white-space: nowrap; position: sticky; left: 0; background: #fff }
th { border-bottom: 2px solid #999 }
strong { color: #00518a }
img { max-width: 100%; height: auto; display: block }
summary { cursor: pointer; padding: .3rem 0 }
"""


def to_html(blocks: Sequence[Block]) -> str:
    """The document; figures are inside it."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Report")
    body = "\n".join(map(_block, blocks))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Bullets(items, title):
            return _folded(title, "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>")
        case Figure(_, svg, description):
            # As an image a picture can run no script and shares no ids with another one.
            source = base64.b64encode(svg).decode()
            return f'<img src="data:image/svg+xml;base64,{source}" alt="{_text(description)}">'
        case Table(header, rows, numbers, title):
            head = "".join(f'<th scope="col">{_text(text)}</th>' for text in header)
            body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
            kind = ' class="numbers"' if numbers else ""
            table = f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            return _folded(title, f'<div class="wide" tabindex="0">{table}</div>')


def _cell(cell: Cell) -> str:
    text = _text(cell.text)
    return f"<td><strong>{text}</strong></td>" if cell.strong else f"<td>{text}</td>"


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{_text(title)}</summary>{content}</details>" if title else content


def _text(text: str) -> str:
    return escape(plain(text))
