"""Markdown and LaTeX tables, one for each dataset."""

from collections.abc import Callable, Iterable, Sequence

from workbench.reports._marks import IDENTITY, begins_block, identity, legend, outcome, title
from workbench.reports._table import MetricCell, ResultSection, Row, numbers
from workbench.reports._text import latex, markdown


def to_markdown(sections: Sequence[ResultSection]) -> str:
    """GitHub-flavoured Markdown; best values bold."""
    parts = []
    for section in sections:
        wide = any(map(outcome, section.rows))
        header = [*IDENTITY, *map(section.heading_of, section.metrics), *(["status"] if wide else [])]
        rule = ["---"] * len(IDENTITY) + ["---:"] * len(section.metrics) + ["---"] * wide
        lines = [f"### {markdown(title(section))}", "", _pipes(map(markdown, header)), _pipes(rule)]
        lines += [_pipes(_cells(row, section, wide, markdown, _markdown_cell)) for row in section.rows]
        parts.append("\n".join(lines))
        parts += ["\n".join(f"- {markdown(note)}" for note in section.notes)]
    parts.append("  \n".join(legend(sections, best="**bold**", unreliable="†")))
    return "\n\n".join(filter(None, parts)) + "\n"


def to_latex(sections: Sequence[ResultSection]) -> str:
    r"""`table` environments with booktabs rules (needs `\usepackage{booktabs}`); best values bold."""
    parts = []
    for section in sections:
        wide = any(map(outcome, section.rows))
        header = [*IDENTITY, *map(section.heading_of, section.metrics), *(["status"] if wide else [])]
        columns = "l" * len(IDENTITY) + "r" * len(section.metrics) + "l" * wide
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{latex(title(section))}}}"]
        lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _ampersands(map(latex, header)), r"\midrule"]
        for i, row in enumerate(section.rows):
            lines += [r"\addlinespace"] if begins_block(section.rows, i) else []
            lines.append(_ampersands(_cells(row, section, wide, latex, _latex_cell)))
        lines += [r"\bottomrule", r"\end{tabular}"]
        marks = legend([section], best="bold", unreliable="†")
        notes = " ".join(latex(note) for note in (*section.notes, *marks))
        lines += [rf"\par\smallskip\footnotesize {_symbols(notes)}"] if notes else []
        parts.append("\n".join([*lines, r"\end{table}"]))
    return "\n\n".join(parts) + "\n"


def _cells(
    row: Row, section: ResultSection, wide: bool, escape: Callable[[str], str], cell: Callable[[str, MetricCell], str]
) -> list[str]:
    texts = [escape(text) for text in identity(row)]
    values = [cell(section.metric_of(column), row.cells[column]) for column in section.metrics]
    return [*texts, *values, *([escape(outcome(row))] if wide else [])]


def _markdown_cell(metric: str, cell: MetricCell) -> str:
    text = numbers(metric, cell).replace("[", r"\[").replace("]", r"\]") + ("" if cell.reliable else " †")
    return f"**{text}**" if cell.best else text


def _latex_cell(metric: str, cell: MetricCell) -> str:
    text = _symbols(numbers(metric, cell) + ("" if cell.reliable else "†"))
    return rf"\textbf{{{text}}}" if cell.best else text


def _symbols(text: str) -> str:
    return text.replace("†", r"\dag{}").replace("±", r"$\pm$")


def _pipes(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ampersands(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"
