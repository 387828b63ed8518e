"""Ctrl-C once lets the run in hand finish, twice stops at once; SIGTERM stops at once, too."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

from workbench.runs.reporter import Reporter


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM)."""


class Interrupts:
    """While the block runs, the first Ctrl-C asks for an end after the run in hand.

    Outside of the main thread, where Python takes no signals, nothing is changed.

    Args:
        reporter: Gets a message at the first Ctrl-C.

    Attributes:
        requested: Whether an end was asked for.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._before: dict[signal.Signals, Any] = {}
        self.requested = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._interrupted),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._terminated),
            }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop(self, done: int, total: int) -> NoReturn:
        """Say how far the suite has come, and end it; raises `KeyboardInterrupt`."""
        self._reporter.say(f"Stopped after {done} of {total} runs; the same command goes on from here.")
        raise KeyboardInterrupt

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._reporter.say("The run in hand is finished first; Ctrl-C once more stops at once.")

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        raise Terminated
