"""Write the report of a suite into a folder."""

from pathlib import Path

from workbench.outputs import OutputError, write_output
from workbench.reports.study.blocks import Figure
from workbench.reports.study.content import report
from workbench.reports.study.html import to_html
from workbench.reports.study.machine import study_json
from workbench.reports.study.markdown import to_markdown
from workbench.runs.study import Study

_FIGURES = "figures"


def write_report(study: Study, folder: Path, description: str = "") -> list[Path]:
    """Write `report.html` (one file with everything), `report.md` with `figures/`, and `report.json`.

    Args:
        study: The study.
        folder: Made if it is not there; files of an earlier report are replaced.
        description: What the suite is for.

    Returns:
        The files.

    Raises:
        OutputError: The folder cannot be written.
    """
    blocks = report(study, description)
    files = {
        folder / "report.html": to_html(blocks).encode(),
        folder / "report.md": to_markdown(blocks, _FIGURES).encode(),
        folder / "report.json": study_json(study).encode(),
    }
    files |= {folder / _FIGURES / f"{each.name}.svg": each.svg for each in blocks if isinstance(each, Figure)}
    try:
        for path, content in files.items():
            write_output(path, content)
    except OutputError as error:
        raise OutputError(f"--to {error}") from error
    return list(files)
