"""Sources by targets: what recipes bring elsewhere than where they were fitted, as tables."""

from collections.abc import Sequence

from workbench.metrics import higher_is_better
from workbench.metrics.formatting import format_difference, heading
from workbench.reports.suite.blocks import Block, Heading, Paragraph, TableBlock, TextCell
from workbench.reports.suite.grids import shots_text, value_text
from workbench.runs.comparisons import SuiteComparison
from workbench.runs.comparisons.transfers import Change, TransferCell, TransferMatrix, TransferRow, transfer_matrices

LEGEND = (
    "▲ better than zero-shot on the same images, ▼ worse, ~ no evidence of a difference: after Holm correction over "
    "the whole suite. (in-domain): fitted on images of where it is tested. †: unreliable interval."
)
GAPS = (
    "Gap: the same recipe in-domain minus here; what is lost where it is positive and more is better. Between domains "
    "of a dataset both are measured on the same images, and the gap is a paired difference. Between datasets they are "
    "not: its interval is made of the two (Zou and Donner 2008), and *, a gap, is claimed where that leaves 0 out."
)
_COLUMNS = ("recipe", "fitted on", "tested on", "value", "against zero-shot", "gap to in-domain")


def transfer_blocks(comparison: SuiteComparison, shown: SuiteComparison | None = None) -> list[Block]:
    """A matrix and its numbers for each model and set of datasets; nothing without transfers.

    Args:
        comparison: All of a suite.
        shown: Only its entries are shown.
    """
    wanted = None if shown is None else {id(entry) for entry in shown.results}
    matrices = [_with_entries(matrix, wanted) for matrix in transfer_matrices(comparison)]
    matrices = [matrix for matrix in matrices if any(row.source for row in matrix.rows)]
    if not matrices:
        return []
    blocks: list[Block] = [Heading(2, "From where it was fitted to where it is tested"), Paragraph(LEGEND)]
    for matrix in matrices:
        blocks += [
            Heading(3, f"{matrix.model}, tested on {', '.join(matrix.targets)}"),
            _matrix(matrix),
            _numbers(matrix),
        ]
    return [*blocks, Paragraph(GAPS)]


def cell_text(cell: TransferCell) -> str:
    """Value and interval, with what it is against zero-shot."""
    mark = ""
    if cell.against is not None:
        mark = " ~" if not cell.against.is_evident else " ▲" if is_gain(cell) else " ▼"
    unreliable = "" if cell.entry.estimate.reliable else " †"
    return f"{value_text(cell.entry.metric, cell.entry)}{unreliable}{mark}{in_domain_text(cell)}"


def in_domain_text(cell: TransferCell) -> str:
    """Where a recipe that trains was fitted where it is tested, that it was."""
    return " (in-domain)" if cell.is_in_domain and cell.entry.run.shots != "0" else ""


def is_gain(cell: TransferCell) -> bool:
    """Whether it is better than zero-shot, be it by chance."""
    against = cell.against
    return against is not None and (against.value > 0) == higher_is_better(cell.entry.metric)


def change_text(metric: str, change: Change | None, mark: str = "") -> str:
    """A difference with its interval: `+8.0 points (+2.1 to +13.9)`; empty without one."""
    if change is None:
        return ""
    ends = " to ".join(format_difference(metric, end).removesuffix(" points") for end in (change.low, change.high))
    return f"{format_difference(metric, change.value)} ({ends}){mark if change.is_evident else ''}"


def row_name(row: TransferRow, rows: Sequence[TransferRow]) -> str:
    """A row of a matrix: the recipe, where it was fitted, and its shots where rows differ in them."""
    several = len({other.shots for other in rows if other.source}) > 1
    return f"{row.recipe}{f' from {row.source}' if row.source else ''}" + (
        f", {shots_text(row.shots)}" if several and row.source else ""
    )


def _matrix(matrix: TransferMatrix) -> TableBlock:
    metrics = {target: _metric(matrix, target) for target in matrix.targets}
    header = ("fitted on, down; tested on, across", *(f"{name}: {heading(metrics[name])}" for name in matrix.targets))
    rows = []
    for row in matrix.rows:
        cells = (row.cells.get(target) for target in matrix.targets)
        rows.append(
            (
                TextCell(row_name(row, matrix.rows)),
                *(TextCell("" if cell is None else cell_text(cell)) for cell in cells),
            )
        )
    return TableBlock(header, tuple(rows))


def _numbers(matrix: TransferMatrix) -> TableBlock:
    rows = []
    for row in matrix.rows:
        for target, cell in row.cells.items():
            metric = cell.entry.metric
            if row.source:
                texts = (
                    row.recipe + ("" if row.shots == "all" else f", {shots_text(row.shots)}"), row.source, target,
                    value_text(metric, cell.entry), change_text(metric, cell.against, " ▲" if is_gain(cell) else " ▼"),
                    change_text(metric, cell.gap, " *"),
                )  # fmt: skip
                rows.append(tuple(map(TextCell, texts)))
    return TableBlock(_COLUMNS, tuple(rows), numbers=False, title="In numbers")


def _metric(matrix: TransferMatrix, target: str) -> str:
    return next(row.cells[target].entry.metric for row in matrix.rows if target in row.cells)


def _with_entries(matrix: TransferMatrix, wanted: set[int] | None) -> TransferMatrix:
    """The part of a matrix that is to be shown."""
    if wanted is None:
        return matrix
    rows = []
    for row in matrix.rows:
        cells = {target: cell for target, cell in row.cells.items() if id(cell.entry) in wanted}
        if cells:
            rows.append(TransferRow(row.recipe, row.source, row.shots, cells))
    targets = tuple(target for target in matrix.targets if any(target in row.cells for row in rows))
    return TransferMatrix(matrix.model, targets, tuple(rows))
