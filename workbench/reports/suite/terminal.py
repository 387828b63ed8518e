"""A comparison on the terminal."""

import io
import shutil
from typing import TYPE_CHECKING

from workbench.reports._text import plain
from workbench.reports.suite.blocks import Block, Heading, Paragraph, TableBlock
from workbench.reports.suite.grids import (
    ShotsGrid,
    chance_text,
    comparison_sentences,
    grids,
    recipe_pairs,
    shots_text,
    value_text,
)
from workbench.reports.suite.selection import Filters, select
from workbench.reports.suite.transfers import transfer_blocks
from workbench.reports.suite.verdict import verdicts
from workbench.reports.suite.verdict_words import cautions, in_words, next_steps
from workbench.runs.comparisons import SuiteComparison

if TYPE_CHECKING:
    from rich.table import Table


def suite_text(comparison: SuiteComparison, filters: Filters | None = None, *, width: int | None = None) -> str:
    """Verdicts and tables by dataset, comparisons in words, rankings.

    Args:
        comparison: The comparison.
        filters: Selects the part that is shown.
        width: Columns of the terminal; found out if None.
    """
    shown = select(comparison, filters or {})
    columns = width or shutil.get_terminal_size((160, 24)).columns
    parts = [_verdicts(comparison, shown)]
    parts += [_table(grid, columns) for grid in grids(comparison, shown)]
    parts.append(
        "value ± standard deviation over seeds [95 % interval over seeds and test items]; * best of its column and of "
        "what uses no shots; ~ no evidence of a difference from it.\n"
    )
    parts += [_block(block, columns) for block in transfer_blocks(comparison, shown)]
    parts += [_words(shown)]
    for ranking in shown.rankings:
        ranks = ", ".join(f"{label} {rank:.2f}" for label, rank in zip(ranking.labels, ranking.ranks, strict=True))
        head = (
            f"Average ranks over {', '.join(ranking.datasets)} ({ranking.model}, {shots_text(ranking.shots)}): {ranks}."
        )
        parts.append("\n".join(map(plain, [head, *ranking.sentences])) + "\n")
    if comparison.pairs:
        parts.append(f"{plain(comparison.family)}\n")
    parts += [f"note: {plain(note)}\n" for note in shown.notes]
    return "\n".join(filter(None, parts))


def _verdicts(comparison: SuiteComparison, shown: SuiteComparison) -> str:
    """The answer on each dataset that is shown; what is shown of it changes no answer."""
    datasets = {entry.run.dataset for entry in shown.results}
    lines = []
    for each in verdicts(comparison):
        if each.dataset in datasets:
            lines += [f"Verdict on {each.dataset}:", f"  {' '.join(in_words(each))}"]
            lines += [f"  note: {caution}" for caution in cautions(each)]
            lines += [f"  next: {step}" for step in next_steps(each)]
    return "\n".join(map(plain, lines)) + "\n" if lines else ""


def _table(grid: ShotsGrid, width: int) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=Text(plain(grid.title)), title_justify="left")
    table.add_column("recipe", overflow="fold")
    for column in grid.columns:
        table.add_column(shots_text(column), justify="right", overflow="fold")
    for label, cells in grid.rows.items():
        texts = [Text(plain(label) + (" (baseline)" if label == grid.baseline else ""))]
        for column in grid.columns:
            cell = cells.get(column)
            mark = "" if cell is None else "*" if cell.best else "~" if cell.near else ""
            unreliable = "" if cell is None or cell.entry.estimate.reliable else " †"
            texts.append(Text("" if cell is None else value_text(grid.metric, cell.entry) + mark + unreliable))
        table.add_row(*texts)
    lines = _printed(table, width)
    if grid.chance is not None:
        # The table ends with an empty line.
        lines += [f"  {chance_text(grid)}", ""]
    return "\n".join(lines) + "\n"


def _block(block: Block, width: int) -> str:
    """A heading, a paragraph or a table of a report, for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    match block:
        case Heading(_, text) | Paragraph(text):
            return f"{plain(text)}\n"
        case TableBlock(header, rows, _, title):
            table = Table(box=SIMPLE_HEAD, title=Text(plain(title)) if title else None, title_justify="left")
            for name in header:
                table.add_column(Text(plain(name)), overflow="fold")
            for row in rows:
                table.add_row(*(Text(plain(cell.text)) for cell in row))
            return "\n".join(_printed(table, width)) + "\n"
        case _:
            return ""


def _printed(table: "Table", width: int) -> list[str]:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=width, highlight=False, emoji=False, markup=False).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def _words(comparison: SuiteComparison) -> str:
    lines: list[str] = []
    labels = {entry.group.label for entry in comparison.results}
    for (dataset, model, shots), pairs in recipe_pairs(comparison.pairs).items():
        lines += [
            f"{plain(dataset)}, {plain(model)}, {shots_text(shots)}:",
            *(f"  {plain(text)}" for text in comparison_sentences(pairs, labels)),
        ]
    growth = [f"  {plain(p.first.run.dataset)}: {plain(p.sentence)}" for p in comparison.pairs if p.kind == "shots"]
    names = [f"  {plain(p.sentence)}" for p in comparison.pairs if p.kind == "names"]
    return "\n".join(
        [
            *lines,
            *(["More shots:"] if growth else []),
            *growth,
            *(["The same images under other names:"] if names else []),
            *names,
            "",
        ]
    )
