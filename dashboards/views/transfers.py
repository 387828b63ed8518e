"""Sources by targets, as the page on transfers shows them."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.reports.suite.transfers import row_name
from workbench.runs.comparisons.transfers import TransferCell, TransferMatrix


@dataclass(frozen=True)
class Tile:
    """A cell of a matrix.

    Attributes:
        row: The recipe and where it was fitted.
        target: Where it is tested.
        cell: The result.
    """

    row: str
    target: str
    cell: TransferCell


def tiles(matrix: TransferMatrix) -> Iterator[Tile]:
    """All cells, row by row, in the order of targets."""
    for row in matrix.rows:
        for target in matrix.targets:
            if target in row.cells:
                yield Tile(row_name(row, matrix.rows), target, row.cells[target])


def matrix_name(matrix: TransferMatrix) -> str:
    """A matrix in a line: its model and targets."""
    return f"{matrix.model} · {', '.join(matrix.targets)}"
