"""Going through the motions: what would be computed is noted and not computed, and stand-ins take its place.

Within `rehearsing`, `extract` and `TextCache` never run a model. What a run would have them compute is counted by the
code that the run itself goes through, so that the count cannot differ from what it does.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np

from workbench.arrays import AnyArray, FloatArray, IntArray
from workbench.features._pipeline import Job
from workbench.features._protocols import ImageSource

_BLOCK = 4096
_NOISE = 0.5
"""Standard deviation of what is added to a stand-in, in those of its column: no two are the same."""


@dataclass
class Missing:
    """Images of one model and view that the store lacks.

    Attributes:
        known: Keys of those that were asked for and are stored.
        jobs: Source and row of each that is missing, by key.
    """

    known: set[bytes] = field(default_factory=set)
    jobs: dict[bytes, tuple[ImageSource, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Different images that were asked for."""
        return len(self.known) + len(self.jobs)


@dataclass
class Rehearsal:
    """What would be computed, and what stands in for it.

    Attributes:
        kinds: Class of an image, by key, where it has one: stand-ins are drawn from images of the class.
        images: Missing images, by fingerprint of the model and view.
        texts: Missing texts, by fingerprint.
        known_texts: Texts that are stored, by fingerprint.
        fills: Whether stand-ins are wanted; without them what is not stored is NaN.
    """

    kinds: Mapping[bytes, int] = field(default_factory=dict)
    images: dict[tuple[str, str], Missing] = field(default_factory=dict)
    texts: dict[str, set[str]] = field(default_factory=dict)
    known_texts: dict[str, set[str]] = field(default_factory=dict)
    fills: bool = True

    def note_images(
        self, model: str, view: str, source: ImageSource, jobs: Sequence[Job], keys: AnyArray, found: AnyArray
    ) -> None:
        """Images were asked for.

        Args:
            model: Fingerprint.
            view: The view.
            source: Reads them.
            jobs: Those that are missing.
            keys: uint8 (n, 32), of all.
            found: bool (n,), which are stored.
        """
        missing = self.images.setdefault((model, view), Missing())
        missing.known.update(row.tobytes() for row in keys[found])
        for job in jobs:
            missing.jobs.setdefault(job.key, (source, job.row))

    def note_texts(self, model: str, known: Sequence[str], missing: Sequence[str]) -> None:
        """Texts were asked for, of which some are stored."""
        self.known_texts.setdefault(model, set()).update(known)
        self.texts.setdefault(model, set()).update(missing)

    def stand_in(self, rows: FloatArray, found: AnyArray, keys: AnyArray | None = None) -> FloatArray:
        """Put in what is not stored, in place: another row of the same class, a little changed.

        Args:
            rows: (n, d), with any values where `found` is False.
            found: bool (n,).
            keys: uint8 (n, 32), by which `kinds` tells classes; None where there are none.
        """
        lacking, pool = np.flatnonzero(~found), np.flatnonzero(found)
        if not self.fills or not len(lacking):
            return rows
        rng = np.random.default_rng(len(rows))
        drawn = self._examples(lacking, pool, keys, rng) if len(pool) else None
        some = rows[pool[:_BLOCK]]
        spread = some.std(axis=0) if len(some) > 1 else np.ones(rows.shape[1])
        for start in range(0, len(lacking), _BLOCK):
            block = lacking[start : start + _BLOCK]
            noise = rng.normal(size=(len(block), rows.shape[1]))
            rows[block] = noise if drawn is None else rows[drawn[start : start + _BLOCK]] + _NOISE * spread * noise
        return rows

    def _examples(
        self, lacking: IntArray, pool: IntArray, keys: AnyArray | None, rng: np.random.Generator
    ) -> IntArray:  # fmt: skip
        """For each row that is lacking one that is not, of its class if there is any."""
        drawn = rng.choice(pool, len(lacking))
        if keys is None or not self.kinds:
            return drawn
        kinds = np.array([self.kinds.get(key.tobytes(), -1) for key in keys])
        for kind in np.unique(kinds[lacking]):
            # A class without an example has one image of another in its place, so that it can be told apart.
            alike, wanted = pool[kinds[pool] == kind], kinds[lacking] == kind
            drawn[wanted] = rng.choice(alike if len(alike) else rng.choice(pool, 1), int(wanted.sum()))
        return drawn


_current: ContextVar[Rehearsal | None] = ContextVar("rehearsal", default=None)


@contextmanager
def rehearsing(rehearsal: Rehearsal) -> Iterator[Rehearsal]:
    """Within the block nothing is computed by a model or stored; `rehearsal` notes what would be."""
    token = _current.set(rehearsal)
    try:
        yield rehearsal
    finally:
        _current.reset(token)


def rehearsal() -> Rehearsal | None:
    """That of the block that this is called in; None outside of one."""
    return _current.get()
