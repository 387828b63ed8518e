"""The command line. Each command is a module of its own, imported when it is called."""

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from workbench.cli._answers import reserve_stdout, tolerate_odd_names
from workbench.cli._failures import guarded
from workbench.cli._group import cli
from workbench.errors import WorkbenchError
from workbench.memory import keep_freed_memory
from workbench.texts import shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `workbench`: exit 0 all good, 1 some runs failed or could not be sent, 2 wrong usage or input."""
    command_line = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    tolerate_odd_names()
    # Pillow warns of large pictures; the workbench bounds how many are decoded at a time, and refuses larger ones.
    warnings.filterwarnings("ignore", message="Image size .* exceeds limit")
    keep_freed_memory()
    with reserve_stdout(command_line):
        code = guarded(lambda: _call(command_line), command_line)
    sys.exit(code)


def _open_closed_streams() -> None:
    """A shell may start us without standard output (`>&-`); then only that output is lost."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends


def _call(arguments: list[str]) -> object:
    for before, argument in zip(["workbench", *arguments], arguments, strict=False):
        if "\0" in argument:
            name = f"{before} " if before.startswith("--") else ""
            raise WorkbenchError(f"{name}{shown(repr(argument), 80)}: holds a NUL character; no name and no path can.")
    return cli.main(args=arguments, prog_name="workbench", standalone_mode=False)
