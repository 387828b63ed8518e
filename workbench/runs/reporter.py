"""How the engine tells what it is doing; the command line shows it, a notebook may ignore it."""

from typing import Protocol


class Reporter(Protocol):
    """Receives what happens during a suite."""

    def say(self, sentence: str) -> None:
        """Something the user should read."""
        ...

    def progress(self, what: str, done: int, total: int) -> None:
        """Work on `what` has come to `done` of `total`; `done == total` ends it."""
        ...


class Silent:
    """Says nothing."""

    def say(self, sentence: str) -> None:
        """See `Reporter.say`."""

    def progress(self, what: str, done: int, total: int) -> None:
        """See `Reporter.progress`."""
