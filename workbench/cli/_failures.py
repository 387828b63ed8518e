"""Any error of a command ends in one sentence, an exit code, and valid JSON with `--json`."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click

from workbench.cli._answers import answer_json, answers_stream, asks_for_json
from workbench.errors import WorkbenchError
from workbench.masking import masked
from workbench.outputs import FULL, reason
from workbench.texts import shown

WRONG_INPUT = 2
FAILED = 1
INTERRUPTED = 130

_LONGEST = 4000
"""Characters of a sentence; arguments may be of any length."""


def guarded(command: Callable[[], object], arguments: Sequence[str]) -> int:
    """Run a command and give its exit code.

    Args:
        command: Raises what click raises outside of its standalone mode.
        arguments: The command line; with `--json` an error is printed as `{"error": ...}`, too.
    """
    try:
        code = _run(command, arguments)
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _run(command: Callable[[], object], arguments: Sequence[str]) -> int:
    try:
        code = command()
        answers_stream().flush()  # Here a failure to write can still be reported.
    except click.ClickException as error:
        _show(error)
        return _print_json_error(error.format_message(), WRONG_INPUT, arguments)
    except WorkbenchError as error:
        return _fail(str(error), WRONG_INPUT, arguments)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted.", INTERRUPTED, arguments)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None and (lost := _lost_output()):
            return _fail(f"standard output: {reason(lost)}; the output is not complete.", WRONG_INPUT, [])
        if error.filename is None and error.strerror is None:
            return _unexpected(error, arguments)
        place = f"{error.filename}: " if error.filename else ""
        words = reason(error) if error.errno in FULL else error.strerror or str(error)
        return _fail(f"{place}{words}.", WRONG_INPUT, arguments)
    except MemoryError as error:
        return _fail(f"there is not enough memory for this ({error or 'no more is known'}).", FAILED, arguments)
    except SystemExit as error:
        # `sys.exit` of a command ends here, too, and that of a plug-in.
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        return _fail(str(error.code), FAILED, arguments)
    except Exception as error:  # The last resort: no user sees a traceback.
        return _unexpected(error, arguments)
    return code if isinstance(code, int) else 0


def _lost_output() -> OSError | None:
    """The error of writing to standard output, if any; it is closed then, or Python would complain at the end."""
    stream = answers_stream()
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):  # No file at all, as in a notebook.
        return None
    try:
        stream.flush()
        os.write(number, b"\n")  # Python does not repeat a failed write.
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        return error
    return None


def _show(error: click.ClickException) -> None:
    """As click shows it, usage first, but escaped and of limited length."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        hint = (
            f"Try '{context.command_path} {context.help_option_names[0]}' for help."
            if context.help_option_names
            else ""
        )
        click.echo(f"{context.get_usage()}\n{hint}\n", err=True)
    click.echo(f"Error: {shown(masked(error.format_message()), _LONGEST)}", err=True)


def _unexpected(error: BaseException, arguments: Sequence[str]) -> int:
    if isinstance(error, ValueError) and "embedded null" in str(error):
        return _fail("a path that was given holds a NUL character; no file can be called so.", WRONG_INPUT, arguments)
    if isinstance(error, RuntimeError) and str(error).startswith(("Symlink loop", "Could not determine home")):
        return _fail(f"a path that was given leads nowhere: {error}.", WRONG_INPUT, arguments)
    if isinstance(error, UnicodeEncodeError):
        odd = shown(repr(error.object), 80)
        return _fail(f"{odd} is not valid UTF-8, so it cannot be looked up or recorded.", WRONG_INPUT, arguments)
    kind = shown(masked(f"{type(error).__name__}: {error}".strip()))
    try:
        file, name = tempfile.mkstemp(prefix="workbench-error-", suffix=".txt")
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write(f"{datetime.now(UTC).isoformat()}\nworkbench {masked(' '.join(arguments))}\n\n")
            report.write(masked("".join(traceback.format_exception(error))))
    except OSError:  # Not even a place for the report.
        return _fail(f"unexpected error ({kind}).", FAILED, arguments)
    return _fail(
        f"unexpected error ({kind}). This is a fault of the workbench or of a plug-in; please report it with {name}.",
        FAILED,
        arguments,
    )


def _fail(sentence: str, code: int, arguments: Sequence[str]) -> int:
    sentence = shown(masked(sentence), _LONGEST)
    line = f"workbench: {sentence}".encode("utf-8", "backslashreplace").decode()
    print(line, file=sys.stderr)  # noqa: T201
    return _print_json_error(sentence, code, arguments)


def _print_json_error(sentence: str, code: int, arguments: Sequence[str]) -> int:
    if asks_for_json(arguments):
        try:
            answer_json({"error": shown(masked(sentence), _LONGEST)})
        except OSError:
            _lost_output()
    return code
