"""Measure the batches of a plan as long as there is time, and put together what is then known of each."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.features.rehearsal import Rehearsal
from workbench.forecast.counting import Todo, kinds
from workbench.forecast.measuring import store_costs
from workbench.forecast.rehearsing import Rehearsed, rehearse
from workbench.forecast.schedule import Cell, interpolate
from workbench.forecast.work import BatchWork
from workbench.formatting import format_seconds
from workbench.runs.execution import Batch
from workbench.runs.failing import reason_of
from workbench.runs.limits import TimeLimitError
from workbench.runs.planned import cell_of
from workbench.runs.suite import Suite

_LEAST = 1.5
"""Seconds under which nothing more is begun."""
_FIRST = 60.0
"""Seconds that the first batch gets, which sets much up."""
_WEIGHTS = {"images": 5.0, "features": 1.0, "nothing": 0.5}
"""How much of the time a batch gets, by what its recipe reads."""


@dataclass
class Seen:
    """What has been found out so far; batches go by their number in the plan.

    Attributes:
        deadline: When measuring ends, on the clock of `time.perf_counter`.
        rehearsals: What runs asked for, by dataset and model.
        batches: What was seen of each.
        problems: Why there is nothing to be seen of others.
        late: Those of them for which the time was too short.
        fits: Time that earlier runs took for fitting a batch.
        setup_seconds: What the first run takes longer than the others.
        pictures: Bytes of decoded images that the largest training keeps.
        store: See `store_costs`.
    """

    deadline: float
    rehearsals: dict[Cell, Rehearsal] = field(default_factory=dict)
    batches: dict[int, Rehearsed] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    fits: dict[int, float] = field(default_factory=dict)
    setup_seconds: float = 0.0
    pictures: float = 0.0
    store: dict[str, float] = field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.perf_counter()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is done in the block does not count against the deadline."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.deadline += time.perf_counter() - began


def rehearse_all(
    batches: Sequence[Batch], todo: Todo, suite: Suite, seen: Seen, *, is_default_store: bool
) -> None:  # fmt: skip
    """Go through batches as long as there is time: of each recipe the one with most images, with fewest, and others.

    Args:
        batches: Of the plan; their tasks keep stand-ins.
        todo: Gives the number of images of each.
        suite: The suite.
        seen: Gets what is found.
        is_default_store: Runs will be recorded by this process in a file, which is tried.
    """
    alike: dict[tuple[Any, ...], list[int]] = {}
    for number in sorted(todo.sizes, key=lambda number: -todo.sizes[number][0]):
        alike.setdefault(_kind(batches[number]), []).append(number)
    order = [
        (number in seen.fits, nth, _weight(batches[number]), number)
        for numbers in alike.values()
        for nth, number in enumerate([numbers[0], *reversed(numbers[1:])])
    ]
    waiting = [each for each in sorted(order) if each[-1] not in seen.problems]
    for place, (*turn, weight, number) in enumerate(waiting):
        batch, left = batches[number], seen.left
        took = [seen.batches[other].took for other in seen.batches if _kind(batches[other]) == _kind(batch)]
        if left < (0.8 * min(took) if took else _LEAST):
            continue
        together = sum(other for *their_turn, other, _ in waiting[place:] if their_turn == turn)
        share = left * weight / together
        cell = cell_of(batch[0].spec, suite)
        rehearsal = seen.rehearsals.setdefault(cell, Rehearsal(kinds(batch[0].data.dataset)))
        try:
            if not seen.batches:
                with seen.apart():
                    _set_up(batch, suite, seen, rehearsal, is_default_store=is_default_store)
            seen.batches[number] = rehearse(batch, suite, rehearsal, max(share, _LEAST), seen.apart)
        except TimeLimitError:
            given = format_seconds(max(share, _LEAST))
            seen.late.add(number)
            seen.problems[number] = f"not even a part was done in {given}; --measure gives more"
        except (Exception, SystemExit) as error:  # A plug-in may raise anything.
            seen.problems[number] = reason_of(error, batch[0].data.dataset)
        else:
            seen.setup_seconds += seen.batches[number].setup_seconds
            seen.pictures = max(seen.pictures, seen.batches[number].pictures)


def _set_up(batch: Batch, suite: Suite, seen: Seen, rehearsal: Rehearsal, *, is_default_store: bool) -> None:
    """The first run sets much up: libraries that draw, tables that are read, a store."""
    began = time.perf_counter()
    spent = 0.0

    def try_store(files: Path, metrics: Mapping[str, float]) -> None:
        nonlocal spent
        begun = time.perf_counter()
        if is_default_store and not seen.store:
            seen.store = store_costs(batch[0], suite, files, metrics)
        spent = time.perf_counter() - begun

    rehearse(batch, suite, rehearsal, _FIRST, use=try_store)
    first = time.perf_counter() - began - spent
    began = time.perf_counter()
    rehearse(batch, suite, rehearsal, _FIRST)
    seen.setup_seconds += max(0.0, first - (time.perf_counter() - began))


def _weight(batch: Batch) -> float:
    return _WEIGHTS[batch[0].spec.factory.reads]


def _kind(batch: Batch) -> tuple[Any, ...]:
    """Batches of one kind differ in the dataset alone."""
    spec = batch[0].spec
    return spec.recipe, spec.label, spec.model, spec.config.model_dump_json(), len(batch)


def batch_work(number: int, batch: Batch, todo: Todo, seen: Seen, suite: Suite) -> BatchWork:
    """What is known of a batch: from itself, from earlier runs, or from one of the same recipe on another dataset."""
    dataset, model = batch[0].spec.data, cell_of(batch[0].spec, suite)[1]
    blank = BatchWork(dataset, model, batch[0].spec.shown or batch[0].spec.label, len(batch), None, None, None, "")
    own = seen.batches.get(number)
    fit = seen.fits.get(number)
    alike = [other for other in seen.batches if _kind(todo.batches[other]) == _kind(batch)]
    if own is None and number in seen.problems and not (alike and number in seen.late):
        return replace(blank, how=seen.problems[number])
    if own is None and not alike:
        lacks = "there was no time left to measure it; --measure gives more"
        return replace(blank, fit_seconds=fit, how=lacks if fit is None else f"fitting as earlier; of the rest {lacks}")
    source = number if own is not None else alike[0]
    rehearsed = seen.batches[source]
    (images, items), of_items = todo.sizes[number], todo.sizes[source][1]
    how = rehearsed.how
    if own is None:
        sizes = {todo.sizes[other][0]: seen.batches[other].fit_seconds for other in alike}
        how = f"as on {todo.batches[source][0].spec.data}, by the number of images"
    if fit is not None:
        how = "as long as earlier runs took"
    else:
        fit = rehearsed.fit_seconds if own is not None else interpolate(sizes, images)
    longer = items / max(1, of_items)
    whole = [
        seen.batches[other].evaluate_seconds
        for other in seen.batches
        if todo.batches[other][0].spec.data == dataset and seen.batches[other].is_whole
    ]
    evaluate = min(whole) if whole and not (own and own.is_whole) else rehearsed.evaluate_seconds * longer
    return replace(
        blank, how=how, record_bytes=rehearsed.record_bytes,
        fit_seconds=fit,
        each_seconds=rehearsed.predict_seconds * longer + evaluate + rehearsed.write_seconds,
    )  # fmt: skip
