"""Answers of commands go to stdout, and nothing else does where a program reads them.

Plug-ins, and libraries below them, may print anything; while a command answers with JSON all of that goes to stderr.
"""

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import click

from workbench.texts import harmless, json_text

_HELP = {"-h", "--help", "--version"}

_real_streams: list[TextIO] = []
"""The real stdout, last, while stderr takes its place."""


@contextlib.contextmanager
def reserve_stdout(arguments: Sequence[str]) -> Iterator[None]:
    """Send all that is printed in the block to stderr, except answers, if these are for programs.

    Output of C code and child processes is sent there, too, where stdout is a real file.

    Args:
        arguments: The command line.
    """
    if not (asks_for_json(arguments) or _asks_for_a_table(arguments)):
        yield
        return
    real, descriptor = sys.stdout, _descriptor(sys.stdout)
    copy = -1
    if descriptor >= 0:
        real.flush()
        copy = os.dup(descriptor)
        real = os.fdopen(copy, "w", encoding="utf-8", errors="backslashreplace", newline="\n")
        os.dup2(_descriptor(sys.stderr) if _descriptor(sys.stderr) >= 0 else 2, descriptor)
    _real_streams.append(real)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _real_streams.pop()
        if copy >= 0:
            _restore(real, copy, descriptor)


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, and not for help."""
    return "--json" in arguments and not _HELP & set(arguments)


def _asks_for_a_table(arguments: Sequence[str]) -> bool:
    return list(arguments[:1]) in (["predict"], ["suggest"]) and not _HELP & set(arguments)


def answer(text: str, *, nl: bool = True) -> None:
    """Print an answer for people. Control characters in it are taken out; lines stay.

    Args:
        text: Lines.
        nl: End the last one.
    """
    click.echo(harmless(text), nl=nl)


def answer_json(value: Any) -> None:
    """Print an answer as JSON: numbers that are none become null, paths and dates texts."""
    answer_exactly(to_json(value) + "\n")


def answer_exactly(text: str) -> None:
    """Print an answer that is already escaped, and may be for a program."""
    stream = answers_stream()
    stream.write(text)
    stream.flush()


def answers_stream() -> TextIO:
    """The stream of answers: standard output, even while stderr takes its place."""
    return _real_streams[-1] if _real_streams else sys.stdout


def to_json(value: Any) -> str:
    """Strict JSON, indented, in UTF-8 but for control characters; values of other types become text."""
    return json_text(json.dumps(_finite(value), indent=1, ensure_ascii=False, allow_nan=False, default=str))


def tolerate_odd_names() -> None:
    """Print characters that the terminal's encoding lacks, as in odd file names, as escapes."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _restore(real: TextIO, copy: int, descriptor: int) -> None:
    try:
        real.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), copy)  # Or closing would complain once more.
    finally:
        os.dup2(copy, descriptor)
        with contextlib.suppress(BrokenPipeError):
            real.close()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _descriptor(stream: TextIO) -> int:
    """The file descriptor behind a stream; -1 where it has none, as in tests."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return -1
