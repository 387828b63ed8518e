"""Write the report of a suite into a folder."""

from collections.abc import Sequence
from pathlib import Path

from workbench.outputs import OutputError, write_output
from workbench.pages import fill
from workbench.reports.suite.blocks import Block, Figure, Heading
from workbench.reports.suite.content import report
from workbench.reports.suite.machine import suite_json
from workbench.reports.suite.markdown import to_markdown
from workbench.runs.comparisons import SuiteComparison

_FIGURES = "figures"
_TEMPLATE = Path(__file__).with_name("report.html.j2")


def write_report(comparison: SuiteComparison, folder: Path, description: str = "") -> list[Path]:
    """Write `report.html` (one file with everything), `report.md` with `figures/`, and `report.json`.

    Args:
        comparison: The comparison.
        folder: Made if it is not there; files of an earlier report are replaced.
        description: The suite's purpose.

    Returns:
        The files.

    Raises:
        OutputError: The folder cannot be written.
    """
    blocks = report(comparison, description)
    files = {
        folder / "report.html": to_html(blocks).encode(),
        folder / "report.md": to_markdown(blocks, _FIGURES).encode(),
        folder / "report.json": suite_json(comparison).encode(),
    }
    files |= {folder / _FIGURES / f"{block.name}.svg": block.svg for block in blocks if isinstance(block, Figure)}
    try:
        for path, content in files.items():
            write_output(path, content)
    except OutputError as error:
        raise OutputError(f"--to {error}") from error
    return list(files)


def to_html(blocks: Sequence[Block]) -> str:
    """One HTML file with all figures, which loads nothing from elsewhere."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Report")
    return fill(_TEMPLATE, title=title, blocks=[(type(block).__name__, block) for block in blocks])
