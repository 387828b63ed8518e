"""Programs that are copied beside what is exported, and sizes of files in words."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

_PROGRAMS = "workbench.runs.exporting.standalone"


def copy_program(name: str, target: Path) -> None:
    """Write the program `name` of `standalone/` to a file."""
    target.write_text((files(_PROGRAMS) / name).read_text(encoding="utf-8"), encoding="utf-8")


def format_size(paths: Iterable[Path]) -> str:
    """The size of files together: `13.7 MB`, `9.4 kB`."""
    size = sum(path.stat().st_size for path in paths)
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
