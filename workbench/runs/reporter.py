"""Messages and progress of the engine; the command line shows them, a notebook may ignore them."""

from typing import Protocol


class Reporter(Protocol):
    """Receives messages and progress of a suite."""

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
