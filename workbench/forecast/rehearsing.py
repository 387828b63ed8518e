"""Go through a batch of runs in little time: training cut short, stand-ins for features, everything else as it is."""

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from workbench.arrays import IntArray
from workbench.features.rehearsal import Rehearsal, rehearsing
from workbench.features.usage import size_on_disk
from workbench.forecast.schedule import extrapolate
from workbench.metrics import flatten
from workbench.recipes import Fitted
from workbench.runs.artifacts import write_artifacts
from workbench.runs.batches import prepare_batch
from workbench.runs.execution import Batch
from workbench.runs.limits import TimeLimitError, time_limit
from workbench.runs.reporter import Silent
from workbench.runs.suite import Suite
from workbench.tasks import SplitRows
from workbench.tracking import schema

_SMALL = 0.125
_SET_UP = 20.0
"""Seconds that a first, small fit may take."""
Apart = Callable[[], AbstractContextManager[None]]
Use = Callable[[Path, Mapping[str, float]], None]
_IMAGES = 16
"""Images of validation that a network is shown."""
_TEST_IMAGES = 64
"""Images of test: a batch, for the memory that it takes."""


@dataclass(frozen=True)
class Rehearsed:
    """What was seen of a batch.

    Attributes:
        fit_seconds: Fitting the batch, all of it.
        predict_seconds: Predicting the test split of one run.
        evaluate_seconds: Its metrics and intervals.
        write_seconds: Its files.
        record_bytes: Those files.
        is_whole: All test items were predicted, so that `evaluate_seconds` is no extrapolation.
        cores: How many were busy on average.
        pictures: Bytes of decoded images that training will keep besides.
        how: How `fit_seconds` was found, in words.
        setup_seconds: What a first fit takes longer than the next.
        took: How long it took to find all this out.
    """

    fit_seconds: float
    predict_seconds: float
    evaluate_seconds: float
    write_seconds: float
    record_bytes: float
    is_whole: bool
    cores: float
    pictures: float
    how: str
    setup_seconds: float
    took: float

    @property
    def each_seconds(self) -> float:
        """Predicting, evaluating and writing one run."""
        return self.predict_seconds + self.evaluate_seconds + self.write_seconds


@dataclass(frozen=True)
class _Fit:
    seconds: float
    left: float
    trainings: int
    pictures: float
    predictors: Sequence[Fitted]

    @property
    def total(self) -> float:
        return self.seconds + self.left


def rehearse(
    batch: Batch,
    suite: Suite,
    rehearsal: Rehearsal,
    seconds: float,
    apart: Apart = nullcontext,
    use: Use | None = None,
) -> Rehearsed:
    """Go through a batch.

    A fit that trains by `workbench.training.train` is cut short, and its steps and epochs are counted. Any other is
    done in full if a small one says that it can be; if not, on parts of the training images, and extrapolated.

    Args:
        batch: Runs whose tasks are used for nothing else: they keep the stand-ins.
        suite: The suite.
        rehearsal: Notes texts and images that are asked for.
        seconds: The most that it may take,
        apart: but for what is done within this context: the first fit, which imports and sets up.
        use: Called with a folder that holds the files of one run, and with the run's metrics.

    Raises:
        TimeLimitError: Not even a small part was fitted in that time.
        Exception: Whatever the recipe raises.
    """
    with rehearsing(rehearsal), _unlogged():
        began, busy = time.perf_counter(), time.process_time()
        recipe, rows = prepare_batch(batch, Silent())
        fit, how, fit_seconds, setup = _fitted(batch, recipe, rows, suite, seconds, apart)
        rest = seconds - (time.perf_counter() - began)
        with time_limit(max(rest, 1.0)):
            rehearsed = _finished(batch, rows[0], fit, suite, use)
        took = time.perf_counter() - began
        cores = (time.process_time() - busy) / max(took, 1e-6)
    return replace(rehearsed, fit_seconds=fit_seconds, how=how, setup_seconds=setup, cores=max(cores, 0.1), took=took)


@contextmanager
def _unlogged() -> Iterator[None]:
    """What a recipe says of a training that is cut short would mislead."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    hook = sys.unraisablehook

    def said(error: "sys.UnraisableHookArgs") -> None:
        # The alarm of a limit may ring where Python cannot raise; it rings again.
        if not isinstance(error.exc_value, TimeLimitError):
            hook(error)

    sys.unraisablehook = said
    try:
        yield
    finally:
        sys.unraisablehook = hook
        logging.disable(before)


def _fitted(
    batch: Batch, recipe: object, rows: Sequence[SplitRows], suite: Suite, seconds: float, apart: Apart
) -> tuple[_Fit, str, float, float]:
    """The largest fit that could be made, how, the time of the whole one, and of setting up."""
    first = None
    if batch[0].spec.factory.reads == "images":
        try:
            with time_limit(0.9 * seconds):
                fit = _fit(batch, recipe, rows, suite, 1.0)
        except TimeLimitError:
            seconds *= 0.1
        else:
            return fit, "some steps, times their number" if fit.trainings else "fitted in full", fit.total, 0.0
    else:
        with apart(), time_limit(_SET_UP):
            first = _fit(batch, recipe, rows, suite, _SMALL)
    began = time.perf_counter()

    def left() -> float:
        return seconds - (time.perf_counter() - began)

    with time_limit(max(left(), 0.2)):
        parts = [(_SMALL, _fit(batch, recipe, rows, suite, _SMALL))]
    setup = max(0.0, first.seconds - parts[0][1].seconds) if first else 0.0
    for share in (0.5, 1.0):
        expected = extrapolate([part for part, _ in parts], [fit.total for _, fit in parts], share)
        if share < 1 and expected / _SMALL * 2 < left():
            continue  # All of it at once.
        if expected > 0.6 * left():
            break
        try:
            with time_limit(left()):
                parts.append((share, _fit(batch, recipe, rows, suite, share)))
        except TimeLimitError:
            break
    share, fit = parts[-1]
    if share == 1:
        return fit, "some steps, times their number" if fit.trainings else "fitted in full", fit.total, setup
    total = extrapolate([part for part, _ in parts], [fit.total for _, fit in parts], 1.0)
    return fit, f"extrapolated from {share:.0%} of the training images", total, setup


def _fit(batch: Batch, recipe: object, rows: Sequence[SplitRows], suite: Suite, share: float) -> _Fit:
    from workbench.training.abridging import abridged

    task = batch[0].task
    shown = batch[0].spec.factory.reads == "images"
    parts = [_part(task.data.dataset.labels, run_rows, share, shown) for run_rows in rows]
    given = [task.given(run.spec, part, refit=suite.refit) for run, part in zip(batch, parts, strict=True)]
    began = time.perf_counter()
    of_validation = len(parts[0].val) / max(1, len(rows[0].val))
    with abridged(validation_share=of_validation or 1.0) as short:
        predictors = task.fit(recipe, given)
    return _Fit(time.perf_counter() - began, short.left_seconds, short.trainings, short.pictures, predictors)


def _part(labels: object, rows: SplitRows, share: float, shown: bool) -> SplitRows:
    """A share of the training and validation rows, as much of each class."""
    assert callable(labels)

    def some(of: IntArray, share: float) -> IntArray:
        if share >= 1 or not len(of):
            return of
        kinds = np.asarray(labels(of))
        if kinds.ndim != 1:
            return of[:: max(1, round(1 / share))]
        order = np.argsort(kinds, kind="stable")
        _, starts, counts = np.unique(kinds[order], return_index=True, return_counts=True)
        kept = [order[start : start + max(1, round(share * n))] for start, n in zip(starts, counts, strict=True)]
        return of[np.sort(np.concatenate(kept))]

    of_validation = share * min(1.0, _IMAGES / max(1, len(rows.val))) if shown else share
    return replace(rows, train=some(rows.train, share), val=some(rows.val, of_validation))


def _finished(batch: Batch, rows: SplitRows, fit: _Fit, suite: Suite, use: Use | None) -> Rehearsed:
    """Predict, evaluate and write the first run of a batch."""
    run, task = batch[0], batch[0].task
    predictor, test = fit.predictors[0], rows.test
    is_network = run.spec.factory.reads == "images"
    shown = test[:: -(-len(test) // _TEST_IMAGES)] if is_network and len(test) else test
    more = len(test) / len(shown)
    marks = [time.perf_counter()]
    predictions = task.predict(predictor, shown, run.spec.recipe)
    marks.append(time.perf_counter())
    first = marks[-1] - marks[-2]
    again = first
    if is_network and more > 1:  # The first batch sets things up.
        task.predict(predictor, shown, run.spec.recipe)
        marks[-1], again = time.perf_counter(), time.perf_counter() - marks[-1]
    estimates = predictions.estimates(task.data.dataset.card.run_metrics)
    marks.append(time.perf_counter())
    with tempfile.TemporaryDirectory(prefix="workbench-forecast-") as place:
        folder = Path(place)
        write_artifacts(folder, run, replace(rows, test=shown), predictions, predictor, suite.figures)
        marks.append(time.perf_counter())
        size = size_on_disk(folder) + (more - 1) * size_on_disk(folder / schema.PREDICTIONS)
        if use is not None:
            use(folder, flatten(estimates))
    _, evaluate, write = np.diff(marks).tolist()
    predict = first + again * (more - 1)
    return Rehearsed(
        0.0, predict, evaluate * more, write, size, more == 1, 1.0, fit.pictures, "", 0.0, 0.0
    )  # fmt: skip
