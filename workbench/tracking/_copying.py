"""Copy a run's files."""

import shutil
from pathlib import Path


def copy_files(folder: Path, target: Path) -> None:
    """Copy all files below a folder; ends at the first that cannot be written, where `shutil.copytree` goes on."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*")):
        place = target / path.relative_to(folder)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            shutil.copyfile(path, place)
