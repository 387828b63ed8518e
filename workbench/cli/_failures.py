"""Whatever goes wrong in a command ends in one sentence, an exit code, and valid JSON where JSON was asked for."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click

from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.outputs import FULL, reason

WRONG_INPUT = 2
FAILED = 1
INTERRUPTED = 130


def guarded(command: Callable[[], object], arguments: Sequence[str]) -> int:
    """Run a command and give its exit code.

    Args:
        command: Raises what click raises outside of its standalone mode.
        arguments: The command line; with `--json` an error is printed as `{"error": ...}`, too.
    """
    try:
        code = command()
        sys.stdout.flush()  # Here, where it can still be said that nobody could write it.
    except click.ClickException as error:
        error.show()
        return _reported(error.format_message(), WRONG_INPUT, arguments)
    except WorkbenchError as error:
        return _said(str(error), WRONG_INPUT, arguments)
    except (KeyboardInterrupt, click.Abort):
        return _said("interrupted.", INTERRUPTED, arguments)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        if error.filename is None and (lost := _lost_output()):
            return _said(f"standard output: {reason(lost)}; the output is not complete.", WRONG_INPUT, [])
        if error.filename is None and error.strerror is None:
            return _unexpected(error, arguments)
        place = f"{error.filename}: " if error.filename else ""
        words = reason(error) if error.errno in FULL else error.strerror or str(error)
        return _said(f"{place}{words}.", WRONG_INPUT, arguments)
    except Exception as error:  # The last resort: nobody is shown a traceback.
        return _unexpected(error, arguments)
    return code if isinstance(code, int) else 0


def _lost_output() -> OSError | None:
    """Why standard output takes nothing, where that is so; it is given up then, or Python would complain at the end."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):  # No file at all, as in a notebook.
        return None
    try:
        sys.stdout.flush()
        os.write(number, b"\n")  # What failed before is not tried again by Python.
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        return error
    return None


def _unexpected(error: BaseException, arguments: Sequence[str]) -> int:
    kind = f"{type(error).__name__}: {error}".strip()
    try:
        file, name = tempfile.mkstemp(prefix="workbench-error-", suffix=".txt")
        with os.fdopen(file, "w", encoding="utf-8") as report:
            report.write(f"{datetime.now(UTC).isoformat()}\nworkbench {masked(' '.join(arguments))}\n\n")
            report.write(masked("".join(traceback.format_exception(error))))
    except OSError:  # Not even a place for the report.
        return _said(f"unexpected error ({kind}).", FAILED, arguments)
    return _said(
        f"unexpected error ({kind}). This is a fault of the workbench or of a plug-in; please report it with {name}.",
        FAILED,
        arguments,
    )


def _said(sentence: str, code: int, arguments: Sequence[str]) -> int:
    print(f"workbench: {masked(sentence)}", file=sys.stderr)  # noqa: T201
    return _reported(sentence, code, arguments)


def _reported(sentence: str, code: int, arguments: Sequence[str]) -> int:
    if "--json" in arguments:
        try:
            print(json.dumps({"error": masked(sentence)}, ensure_ascii=False), flush=True)  # noqa: T201
        except OSError:
            _lost_output()
    return code
