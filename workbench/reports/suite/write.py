"""Write the report of a suite into a folder."""

from pathlib import Path

from workbench.outputs import OutputError, write_output
from workbench.reports.suite.blocks import Figure
from workbench.reports.suite.content import report
from workbench.reports.suite.html import to_html
from workbench.reports.suite.machine import suite_json
from workbench.reports.suite.markdown import to_markdown
from workbench.runs.comparisons import SuiteComparison

_FIGURES = "figures"


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
