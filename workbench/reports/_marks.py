"""Texts of tables for people: title, outcome of a run, and the legend of marks."""

import math
from collections.abc import Sequence

from workbench.reports._table import ResultSection, Row

IDENTITY = ("model", "recipe", "shots", "seed")


def title(section: ResultSection) -> str:
    """The dataset, its state where there are several, its field, and the metric that orders the rows."""
    if section.of_transfers:
        return f"Fitted and tested: {section.dataset}"
    state = f", state {section.state}" if section.state else ""
    return f"{section.dataset} ({section.field}){state}, by {section.primary}"


def outcome(row: Row) -> str:
    """Nothing for a finished run, else the status with its reason."""
    if row.status == "finished":
        return ""
    return f"{row.status}: {row.reason}" if row.reason else row.status


def identity(row: Row) -> tuple[str, ...]:
    """The cells under `IDENTITY`."""
    return (row.model, row.recipe, row.shots if row.trains else "-", row.seeds)


def begins_block(rows: Sequence[Row], i: int) -> bool:
    """Whether a row is the first of those that can be compared with each other, and not the first of all."""
    return i > 0 and (rows[i].block, rows[i].status) != (rows[i - 1].block, rows[i - 1].status)


def legend(sections: Sequence[ResultSection], *, best: str, unreliable: str) -> list[str]:
    """One sentence for each mark that occurs.

    Args:
        sections: The table.
        best: The format's mark of the best value of a column.
        unreliable: Its mark of an unreliable interval.
    """
    cells = [cell for section in sections for row in section.rows for cell in row.cells.values()]
    several = any(len({row.block for row in section.rows if row.trains}) > 1 for section in sections)
    sentences = {
        "[low, high]: 95 % interval.": any(not math.isnan(cell.low) for cell in cells),
        "a ± b: mean and standard deviation over seeds.": any(not math.isnan(cell.spread) for cell in cells),
        "a, +b: so much above zero-shot on the same images, or -b below; `workbench compare --suite` tests it.": any(
            not math.isnan(cell.gain) for cell in cells
        ),
        f"{best}: best of its column.": any(cell.best for cell in cells) and not several,
        f"{best}: best of its column at the same shots, what uses none (-) counted in.": (
            any(cell.best for cell in cells) and several
        ),
        "Rows with other shots learned from other images: compare those with the same.": several,
        f"{unreliable}: effectively fewer than 20 groups or items, so the interval is unreliable.": any(
            not cell.reliable for cell in cells
        ),
    }
    return [sentence for sentence, applies in sentences.items() if applies]
