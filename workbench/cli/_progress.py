"""Progress: bars with an estimate on a terminal, plain lines elsewhere. All of it goes to stderr."""

import logging
import sys
import time
from types import TracebackType
from typing import Any, Self

from workbench.formatting import format_seconds
from workbench.masking import masked
from workbench.texts import harmless

_PLAIN_SECONDS = 10.0


class ConsoleReporter:
    """A `Reporter` for the terminal.

    Args:
        quiet: Print failures only.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._last: dict[str, float] = {}
        self._started: dict[str, float] = {}

    def __enter__(self) -> Self:
        handler = _SayHandler(self)
        logging.getLogger("workbench").addHandler(handler)
        logging.getLogger("workbench").setLevel(logging.INFO)
        logging.getLogger("workbench").propagate = False  # Libraries install root handlers; each line would show twice.
        if self._terminal and not self._quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bars = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
        log = logging.getLogger("workbench")
        log.propagate = True
        log.handlers = [handler for handler in log.handlers if not isinstance(handler, _SayHandler)]

    def say(self, sentence: str) -> None:
        """See `Reporter.say`."""
        if self._quiet and not sentence.startswith("failed"):
            return
        sentence = harmless(masked(sentence))
        if self._bars is not None:
            self._bars.console.print(sentence, markup=False, highlight=False)
        else:
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def progress(self, what: str, done: int, total: int) -> None:
        """See `Reporter.progress`."""
        if self._quiet or total <= 0:
            return
        if self._bars is not None:
            if what not in self._tasks:
                self._tasks[what] = self._bars.add_task(what, total=total)
            self._bars.update(self._tasks[what], completed=done, total=total)
            if done >= total:
                self._bars.remove_task(self._tasks.pop(what))
            return
        now = time.monotonic()
        started = self._started.setdefault(what, now)
        if done >= total or now - self._last.get(what, started) >= _PLAIN_SECONDS:
            seconds_left = (now - started) / max(done, 1) * (total - done)
            estimate = f", about {format_seconds(seconds_left)} left" if done < total and now > started else ""
            print(f"{what}: {done}/{total}{estimate}", file=sys.stderr, flush=True)  # noqa: T201
            self._last[what] = now
        if done >= total:
            self._started.pop(what, None)


class _SayHandler(logging.Handler):
    """Prints the recipes' log."""

    def __init__(self, reporter: ConsoleReporter) -> None:
        super().__init__(logging.INFO)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.say(record.getMessage())
