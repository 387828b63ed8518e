"""A limit to the time that a recipe may take: one that hangs is given up, and the rest of the suite goes on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from workbench.formatting import format_seconds

_AGAIN_SECONDS = 1.0


class TimeLimitError(BaseException):
    """The limit has passed. No `Exception`: a recipe that goes on after any error must not go on after this."""


def can_limit() -> bool:
    """Whether time can be limited here: in the main thread, on a system with alarm signals."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise in the block once a time has passed, and every second from then on until the block is left.

    Python acts on the alarm between two of its own instructions: a call into C code that never returns is not ended.

    Args:
        seconds: The time; None for no limit. Without effect where `can_limit` says no.

    Raises:
        TimeLimitError: The time has passed.
    """
    if seconds is None or not can_limit():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimitError(f"took longer than {format_seconds(seconds)} (limit_seconds, --limit)")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
