"""Tables for the terminal."""

import io
from collections.abc import Sequence

from workbench.reports._marks import IDENTITY, begins_block, identity, legend, outcome, title
from workbench.reports._table import ResultSection, numbers
from workbench.reports._text import plain


def to_terminal(sections: Sequence[ResultSection], *, width: int, color: bool, ascii_only: bool) -> str:
    """Rich tables as text.

    Args:
        sections: One table each.
        width: Columns of the terminal.
        color: Emphasise with escape sequences.
        ascii_only: For terminals that show ASCII alone.
    """
    from rich.box import ASCII, SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, highlight=False, emoji=False, markup=False
    )
    mark = "?" if ascii_only else "†"
    for section in sections:
        wide = any(map(outcome, section.rows))
        table = Table(box=ASCII if ascii_only else SIMPLE_HEAD, title=Text(plain(title(section))), title_justify="left")
        for name in IDENTITY:
            table.add_column(name, overflow="fold")
        for column in section.metrics:
            table.add_column(Text(plain(section.heading_of(column))), justify="right", overflow="fold")
        if wide:
            table.add_column("status", overflow="fold")
        for i, row in enumerate(section.rows):
            if begins_block(section.rows, i):
                table.add_section()
            texts = [Text(plain(text)) for text in identity(row)]
            for column in section.metrics:
                cell = row.cells[column]
                marks = ("*" if cell.best else "") + ("" if cell.reliable else mark)
                texts.append(
                    Text(numbers(section.metric_of(column), cell) + marks, style="bold green" if cell.best else "")
                )
            table.add_row(*texts, *([Text(plain(outcome(row)), style="red")] if wide else []))
        console.print(table)
        for note in section.notes:
            console.print(Text(f"  {plain(note)}", style="dim"))
    for sentence in legend(sections, best="*", unreliable=mark):
        console.print(Text(sentence, style="dim"))
    text = "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
    return text.replace("±", "+-").encode("ascii", "backslashreplace").decode() if ascii_only else text
