"""The command line. Each command is a module of its own, imported when it is called."""

import sys
from collections.abc import Sequence

from workbench.cli._answers import answers_alone, tolerate_odd_names
from workbench.cli._failures import guarded
from workbench.cli._group import cli


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `workbench`: exit 0 all good, 1 some runs failed, 2 wrong usage or input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    tolerate_odd_names()
    with answers_alone(given):
        code = guarded(lambda: cli.main(args=given, prog_name="workbench", standalone_mode=False), given)
    sys.exit(code)
