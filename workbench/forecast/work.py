"""What is to be done, and how long its parts were seen to take: the terms of a forecast."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class FeatureWork:
    """Features by a model.

    Attributes:
        model: Model argument.
        total: Different images or texts that the runs read.
        missing: Those to be computed; each is counted where it is first asked for.
        seconds_each: Reading, decoding, computing and storing one; None where it was not measured.
        bytes_each: On disk, an image's thumbnail included.
    """

    model: str
    total: int
    missing: int
    seconds_each: float | None
    bytes_each: int

    @property
    def seconds(self) -> float:
        """Time of what is missing, as far as it is known."""
        return self.missing * (self.seconds_each or 0.0)


@dataclass(frozen=True, kw_only=True)
class ImageWork(FeatureWork):
    """Features of images.

    Attributes:
        dataset: Dataset argument.
        view: `eval`, or how boxes are seen.
        measured: On this dataset; otherwise on another with the same model.
    """

    dataset: str
    view: str = "eval"
    measured: bool = True


@dataclass(frozen=True)
class BatchWork:
    """Runs that are fitted together.

    Attributes:
        dataset: The dataset's argument.
        model: The model argument that the runs open.
        label: The recipe's name in tables.
        runs: How many.
        fit_seconds: Fitting all of them; None where it is not forecast.
        each_seconds: Predicting, evaluating and writing one; None likewise.
        record_bytes: Files of one run; None likewise.
        how: Where the times come from, in words; or why there are none.
    """

    dataset: str
    model: str
    label: str
    runs: int
    fit_seconds: float | None
    each_seconds: float | None
    record_bytes: float | None
    how: str

    @property
    def is_known(self) -> bool:
        """Whether all of it is forecast."""
        return self.fit_seconds is not None and self.each_seconds is not None and self.record_bytes is not None

    @property
    def seconds(self) -> float:
        """Time of all runs, as far as it is known."""
        return (self.fit_seconds or 0.0) + self.runs * (self.each_seconds or 0.0)


@dataclass(frozen=True)
class Overhead:
    """What a command takes besides its runs.

    Attributes:
        start_seconds: Starting Python, importing libraries, opening datasets and models that have been opened before.
        load_seconds: Loading a model, by its argument.
        store_seconds: Making the store, if there is none.
        record_seconds: Recording a run; None where it was not measured.
        store_bytes: The new store's file.
        record_bytes: What a run adds to it.
    """

    start_seconds: float = 0.0
    load_seconds: dict[str, float] = field(default_factory=dict)
    store_seconds: float = 0.0
    record_seconds: float | None = None
    store_bytes: float = 0.0
    record_bytes: float = 0.0
