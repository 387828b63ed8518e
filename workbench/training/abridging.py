"""Training cut short to see how long all of it would take: a few steps, twice, and validation around them.

Within `abridged`, `train` takes some steps of the first epoch, and the same steps once more when its images have been
decoded. What it returns is good for nothing but finding out what comes after training.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

_AGAIN = 4
"""Steps on images that have been decoded, at least."""
_VALIDATIONS = 3

T = TypeVar("T")
Q = TypeVar("Q")
Batches = Callable[[int], Iterable[T]]


@dataclass
class Abridgement:
    """What was seen of trainings that were cut short.

    Attributes:
        steps: Most steps of a pass.
        seconds: A pass ends after so long, but not before its second step.
        validation_share: Share of the validation images that training was given.
        left_seconds: What the steps and validations that were left out would take.
        trainings: How many were cut short.
        planned_steps: Of all of them.
        pictures: Bytes of decoded images that would be kept beyond those that were.
    """

    steps: int = 8
    seconds: float = 2.0
    validation_share: float = 1.0
    left_seconds: float = 0.0
    trainings: int = 0
    planned_steps: int = 0
    pictures: float = 0.0
    _kept: int = 0
    _passes: list[list[float]] = field(default_factory=list)
    _validations: list[float] = field(default_factory=list)

    def note_kept(self, size: int) -> None:
        """A decoded image of so many bytes is kept in memory; called from several threads."""
        self._kept += size

    def cut(
        self, batches: Batches[T], validate: Callable[[], Q] | None, epochs: int, steps_per_epoch: int
    ) -> tuple[Batches[T], Callable[[], Q] | None, int]:
        """Batches, validation and number of epochs in place of those that were meant."""
        passes = 1 + math.ceil(_AGAIN / steps_per_epoch)
        return self._few(batches), self._timed(validate) if validate else None, min(epochs, passes)

    def _few(self, batches: Batches[T]) -> Callable[[int], Iterator[T]]:
        """The batches of a pass: the first ones of the first epoch, whichever is asked for."""

        def some(_: int) -> Iterator[T]:
            began = _now()
            marks = [began]
            self._passes.append(marks)
            for batch in islice(batches(0), self._allowed):
                yield batch
                marks.append(_now())  # When the step on this batch has ended.
                if len(self._passes) == 1 and len(marks) > 2 and marks[-1] - began > self.seconds:
                    return

        return some

    def _timed(self, validate: Callable[[], Q]) -> Callable[[], Q]:
        """Validation with its time taken, some times: from the second on its images have been decoded."""
        found: list[Q] = []

        def timed_validate() -> Q:
            if len(found) < _VALIDATIONS:
                began = _now()
                found.append(validate())
                self._validations.append(_now() - began)
            return found[-1]

        return timed_validate

    def conclude(self, epochs: int, steps_per_epoch: int) -> None:
        """A training of so many epochs has been cut short: add up what is left of it."""
        first = _step_seconds(self._passes[:1])
        # Where epochs are short the second, too, has much to set up.
        again = _step_seconds(self._passes[2:] or self._passes[-1:])
        done = [len(marks) - 1 for marks in self._passes]
        steps = max(0, steps_per_epoch - done[0]) * first
        steps += max(0, (epochs - 1) * steps_per_epoch - sum(done[1:])) * min(first, again)
        validations = 0.0
        if self._validations:
            more = max(0, epochs + 1 - len(self._validations)) * self._validations[-1]
            validations = (sum(self._validations) + more) / self.validation_share - sum(self._validations)
        self.left_seconds += steps + validations
        self.pictures += self._kept * max(0.0, steps_per_epoch / max(1, done[0]) - 1)
        self.planned_steps += epochs * steps_per_epoch
        self.trainings += 1
        self._kept = 0
        self._passes.clear()
        self._validations.clear()

    @property
    def _allowed(self) -> int:
        """The second pass takes as many steps as the first."""
        return len(self._passes[0]) - 1 if len(self._passes) > 1 else self.steps


class Whole:
    """In place of an `Abridgement` where nothing is cut."""

    def cut(
        self,
        batches: Batches[T],
        validate: Callable[[], Q] | None,
        epochs: int,
        steps_per_epoch: int,  # noqa: ARG002
    ) -> tuple[Batches[T], Callable[[], Q] | None, int]:
        """What was meant."""
        return batches, validate, epochs

    def conclude(self, epochs: int, steps_per_epoch: int) -> None:
        """See `Abridgement.conclude`."""

    def note_kept(self, size: int) -> None:
        """See `Abridgement.note_kept`."""


_current: ContextVar[Abridgement | None] = ContextVar("abridgement", default=None)


@contextmanager
def abridged(steps: int = 8, seconds: float = 2.0, validation_share: float = 1.0) -> Iterator[Abridgement]:
    """Cut every `train` in the block short; see `Abridgement` for the arguments."""
    short = Abridgement(steps, seconds, validation_share)
    token = _current.set(short)
    try:
        yield short
    finally:
        _current.reset(token)


def abridgement() -> Abridgement | Whole:
    """That of the block that this is called in."""
    return _current.get() or Whole()


def _step_seconds(passes: Sequence[Sequence[float]]) -> float:
    """Time of a step, of when passes began and each step ended; a pass's first, with its setting up, if it is alone."""
    start = 1 if len(passes[0]) > 2 else 0
    taken = sum(len(marks) - 1 - start for marks in passes)
    return sum(marks[-1] - marks[start] for marks in passes) / max(1, taken)


def _now() -> float:
    """The time once the device has done what it was given."""
    import torch

    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    return time.perf_counter()
