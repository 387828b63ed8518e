"""Whether it is worth asking a store: after a fault only now and then, so that a dead server costs seconds once."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.tracking._reach import check_server
from workbench.tracking.faults import StoreError, is_down, why

if TYPE_CHECKING:
    from workbench.tracking.store import Store

AGAIN_SECONDS = 60.0
"""Seconds for which a store that failed is not tried again."""


@dataclass
class Link:
    """The way to a store, for one process.

    Attributes:
        store: The store.
        reason: Why it was last found to be down; empty while it is not.
        artifacts: Why it takes no artifacts, though it answers; empty while it does.
    """

    store: "Store"
    reason: str = ""
    artifacts: str = ""
    _next: float = 0.0
    _next_artifacts: float = 0.0

    def is_usable(self) -> bool:
        """Whether to ask the store; one that was down is tried again once in `AGAIN_SECONDS`, in one short request."""
        if self.reason and time.monotonic() >= self._next:
            try:
                self.check()
            except StoreError as error:
                self.note(error)
        return not self.reason

    def takes_artifacts(self) -> bool:
        """Whether to send artifacts."""
        if self.artifacts and time.monotonic() >= self._next_artifacts:
            self.artifacts = ""
        return not self.artifacts

    def note(self, error: BaseException) -> None:
        """Take in what the store raised; where it refused one request alone, it stays usable."""
        if is_down(error):
            self.reason, self._next = why(error), time.monotonic() + AGAIN_SECONDS

    def note_artifacts(self, error: BaseException) -> None:
        """Take in that the store answers, but takes no artifacts."""
        self.artifacts, self._next_artifacts = why(error), time.monotonic() + AGAIN_SECONDS

    def check(self) -> float:
        """Ask now; seconds that it took, 0 for a local store. Raises `StoreError` where it does not answer."""
        took = check_server(self.store.uri) if self.store.is_remote else 0.0
        self.reason = ""
        return took
