"""The command line. Each command is a module of its own, imported when it is called."""

import sys
from collections.abc import Sequence

from workbench.cli._group import cli


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `workbench`: exit 0 all good, 1 some runs failed, 2 wrong usage or input."""
    from workbench.errors import WorkbenchError

    try:
        cli.main(args=list(arguments) if arguments is not None else None, prog_name="workbench")
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
