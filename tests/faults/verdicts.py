"""Call the command line inside this process, and judge how it ended."""

import contextlib
import io
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

Kind = Literal["ok", "traceback", "last resort", "hang", "wrong exit", "wrong words", "broken json"]

USUAL_EXITS = frozenset({0, 1, 2})


class TooLong(BaseException):
    """The call did not end in time; nothing that catches `Exception` may keep it."""


@dataclass(frozen=True)
class Called:
    """How a call ended.

    Attributes:
        code: Its exit code; None where it did not exit by itself.
        out: What it printed.
        err: What it said.
        escaped: The exception that left it, or an empty text.
    """

    code: int | None
    out: str
    err: str
    escaped: str = ""


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a call.

    Attributes:
        name: The case.
        kind: `ok`, or what went wrong.
        detail: Arguments, exit code and the end of what was said.
    """

    name: str
    kind: Kind
    detail: str = ""


def call(
    arguments: list[str], folder: Path, *, environment: Mapping[str, str] | None = None, seconds: float = 30.0
) -> Called:
    """Run `workbench` with arguments in a folder.

    Args:
        arguments: The command line.
        folder: The current folder meanwhile.
        environment: Variables to set, or to remove where the value is empty.
        seconds: After these the call is given up, in the main thread of a system that has alarms.
    """
    from workbench.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=how) for how in ("strict", "backslashreplace"))
    code: int | None = None
    escaped = ""
    try:
        with (
            _variables(environment or {}), contextlib.chdir(folder), contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err), _alarm(seconds),
        ):  # fmt: skip
            main(arguments)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except TooLong:
        escaped = "TooLong"
    except BaseException as error:
        escaped = f"{type(error).__name__}: {error}"
    texts = []
    for stream in (out, err):
        with contextlib.suppress(ValueError):
            stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))  # type: ignore[attr-defined]
    return Called(code, *texts, escaped)


def judge(
    name: str, arguments: list[str], called: Called, *, codes: frozenset[int] = USUAL_EXITS, says: str = ""
) -> Verdict:
    """Judge a call.

    Args:
        name: The case.
        arguments: What it was called with; with `--json` its output must be JSON.
        called: How it ended.
        codes: Exit codes that are right.
        says: Words that must be in what it said, case aside.
    """
    detail = f"{arguments} -> {called.code}; {called.escaped or called.err[-600:] or called.out[-300:]}"
    kind: Kind = "ok"
    if called.escaped == "TooLong":
        kind = "hang"
    elif called.escaped or "Traceback (most recent call last)" in called.err:
        kind = "traceback"
    elif "unexpected error (" in called.err:
        kind = "last resort"
    elif called.code not in codes:
        kind = "wrong exit"
    elif says and says.lower() not in (called.err + called.out).lower():
        kind = "wrong words"
    elif _wants_json(arguments) and not _is_json(called.out):
        kind = "broken json"
    return Verdict(name, kind, detail)


def _wants_json(arguments: list[str]) -> bool:
    return "--json" in arguments and not {"--help", "-h", "--version"} & set(arguments)


def _is_json(text: str) -> bool:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in wanted}
    try:
        for key, value in wanted.items():
            if value:
                os.environ[key] = value
            else:
                os.environ.pop(key, None)
        yield
    finally:
        for key, old in before.items():
            if old is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = old
