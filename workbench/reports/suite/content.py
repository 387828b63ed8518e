"""The report of a suite, as blocks."""

import re
from collections.abc import Sequence

from workbench.formatting import counted, format_p
from workbench.metrics.formatting import format_difference
from workbench.reports.suite.blocks import Block, Bullets, Figure, Heading, Paragraph, TableBlock, TextCell
from workbench.reports.suite.curves import shot_curves
from workbench.reports.suite.decisions import decision_blocks
from workbench.reports.suite.forest import forest_plot
from workbench.reports.suite.grids import ShotsGrid, chance_text, grids, recipe_pairs, shots_text, standings, value_text
from workbench.reports.suite.learning import learning_blocks
from workbench.reports.suite.protocol import protocol
from workbench.reports.suite.transfers import transfer_blocks
from workbench.reports.suite.verdict import Verdict, verdicts
from workbench.reports.suite.verdict_words import cautions, in_words, next_steps
from workbench.runs.comparisons import GroupComparison, RecipeRanking, SuiteComparison
from workbench.runs.planning import NO_MODEL


def report(comparison: SuiteComparison, description: str = "") -> list[Block]:
    """Tables and curves by dataset, ranks over datasets, comparisons in words, the protocol.

    Args:
        comparison: The comparison.
        description: The suite's purpose, in a sentence or two.
    """
    blocks: list[Block] = [Heading(1, f"Suite {comparison.suite}")]
    if description:
        blocks.append(Paragraph(description))
    blocks.append(Paragraph(_summary(comparison)))
    blocks += verdict_blocks(verdicts(comparison))
    blocks.append(
        Paragraph(
            "Cells: mean ± standard deviation over seeds [95 % interval over seeds and test items]. Bold: best of its "
            "column and of what uses no shots. ~: no evidence of a difference from that. †: unreliable interval, under "
            "20 groups (by their effective number) or items."
        )
    )
    for i, grid in enumerate(grids(comparison)):
        blocks += _dataset(comparison, grid, i)
        blocks += decision_blocks(comparison, grid.dataset, grid.model)
    blocks += transfer_blocks(comparison)
    blocks.append(Heading(2, "Ranks over datasets"))
    blocks += [block for ranking in comparison.rankings for block in _ranking(ranking)]
    if not comparison.rankings:
        blocks.append(Paragraph("Ranks need at least two datasets with two recipes in common; there are none here."))
    return [*blocks, *protocol(comparison)]


def verdict_blocks(found: Sequence[Verdict]) -> list[Block]:
    """The answer on each dataset, what to know before believing it, and what to do next."""
    blocks: list[Block] = []
    for number, each in enumerate(found, 1):
        blocks += [
            Heading(2, f"Verdict on {each.dataset}"),
            Paragraph(" ".join(in_words(each))),
            *map(Paragraph, cautions(each)),
            *_forest(each, number),
            Bullets(tuple(next_steps(each)), "What to do next"),
        ]
    return [block for block in blocks if not isinstance(block, Bullets) or block.items]


def _forest(verdict: Verdict, number: int) -> list[Block]:
    picture = forest_plot(verdict)
    if picture is None:
        return []
    about = (
        f"{verdict.metric} of each recipe on {verdict.dataset} with 95 % intervals; full marks are tied with the best"
    )
    return [Figure(_file_name(f"verdict-{number}-{verdict.dataset}"), picture, about)]


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", text)[:60]


def _summary(comparison: SuiteComparison) -> str:
    datasets = {entry.run.dataset for entry in comparison.results}
    models = sorted({entry.run.model for entry in comparison.results} - {NO_MODEL})
    labels = {entry.group.label for entry in comparison.results}
    decided = sum(pair.decided for pair in comparison.pairs)
    contestants = f"{counted(len(labels), 'recipe')} on {counted(len(datasets), 'dataset')}"
    return (
        f"{contestants} with {', '.join(models) or 'no model'}; "
        f"{len(comparison.pairs)} paired comparisons: {decided} show a difference after Holm correction, "
        f"{len(comparison.pairs) - decided} are no evidence of one."
    )


def _dataset(comparison: SuiteComparison, grid: ShotsGrid, i: int) -> list[Block]:
    header = ("recipe", *map(shots_text, grid.columns))
    rows = tuple(
        (
            TextCell(label + (" (baseline)" if label == grid.baseline else "")),
            *(_cell(grid, label, c) for c in grid.columns),
        )
        for label in grid.rows
    )
    blocks: list[Block] = [Heading(2, grid.title), TableBlock(header, rows)]
    if grid.chance is not None:
        blocks.append(Paragraph(chance_text(grid)))
    picture = shot_curves(grid)
    if picture is not None:
        name = _file_name(f"shots-{i + 1}-{grid.dataset}")
        blocks.append(Figure(name, picture, f"{grid.metric} against shots on {grid.dataset}, as in the table above"))
    blocks += learning_blocks(
        [c for c in comparison.curves if (c.run.dataset, c.run.model) == (grid.dataset, grid.model)]
    )
    dataset_pairs = [
        p for p in comparison.pairs if p.first.run.dataset == grid.dataset and p.model in (grid.model, NO_MODEL)
    ]
    for (_, _, shots), pairs in recipe_pairs(dataset_pairs).items():
        blocks.append(Bullets(tuple(standings(pairs)), f"Compared at {shots_text(shots)}"))
    growth = tuple(pair.sentence for pair in dataset_pairs if pair.kind == "shots")
    if growth:
        blocks.append(Bullets(growth, "More shots against fewer"))
    names = tuple(pair.sentence for pair in dataset_pairs if pair.kind == "names")
    if names:
        blocks.append(Bullets(names, "The same images under other names"))
    return [*blocks, _pairs(dataset_pairs)] if dataset_pairs else blocks


def _cell(grid: ShotsGrid, label: str, column: str) -> TextCell:
    cell = grid.rows[label].get(column)
    if cell is None:
        return TextCell("")
    marks = (" ~" if cell.near else "") + ("" if cell.entry.estimate.reliable else " †")
    return TextCell(value_text(grid.metric, cell.entry) + marks, strong=cell.best)


def _pairs(pairs: list[GroupComparison]) -> TableBlock:
    header = ("first", "other", "difference", "95 % interval", "p", "p, corrected")
    rows = tuple(
        tuple(
            map(
                TextCell,
                (
                    _named(pair, first=True), _named(pair, first=False),
                    format_difference(pair.first.metric, pair.difference.value),
                    f"{format_difference(pair.first.metric, pair.difference.low)} to "
                    f"{format_difference(pair.first.metric, pair.difference.high)}",
                    format_p(pair.difference.p_value, name=""), format_p(pair.p_corrected, name=""),
                ),
            )
        )
        for pair in pairs
    )  # fmt: skip
    return TableBlock(
        header, rows, title=f"All {len(pairs)} paired differences" if len(pairs) > 1 else "The paired difference"
    )


def _named(pair: GroupComparison, *, first: bool) -> str:
    entry = pair.first if first else pair.other
    place = f" on {entry.run.dataset}" if pair.kind == "names" else ""
    return entry.group.label + place + ("" if entry.group.is_everywhere else f", {shots_text(entry.run.shots)}")


def _ranking(ranking: RecipeRanking) -> list[Block]:
    rows = tuple(
        (TextCell(label), TextCell(f"{rank:.2f}")) for label, rank in zip(ranking.labels, ranking.ranks, strict=True)
    )
    return [
        Heading(3, f"{ranking.model}, {shots_text(ranking.shots)}, over {', '.join(ranking.datasets)}"),
        TableBlock(("recipe", "average rank"), rows),
        *(Paragraph(sentence) for sentence in ranking.sentences),
    ]
