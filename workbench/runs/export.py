"""Write the adapted model of a finished run for other tools."""

from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.models import save_checkpoint
from workbench.runs.finished import FinishedRun


def export_run(run: FinishedRun, folder: Path) -> None:
    """Write a run's model as an open_clip folder, LoRA weights merged.

    Args:
        run: The run.
        folder: New, or empty.

    Raises:
        WorkbenchError: The recipe adapts no weights, or the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkbenchError(f"--to {folder}: must be a new or empty folder.")
    save_checkpoint(run.network(), folder, run.encoder)
