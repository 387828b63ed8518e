"""The datasets that an adaptation is measured on: by zero-shot, retrieval, and what else compares embeddings.

Labels are read here alone, to measure; nothing is trained on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from workbench.adaptation.config import MeasuredOn
from workbench.arrays import IntArray
from workbench.datasets import Dataset
from workbench.errors import CardError, DataError
from workbench.features import FeatureStore
from workbench.metrics.registry import metric_named
from workbench.models import Encoder
from workbench.models.class_embeddings import class_embeddings
from workbench.recipes import Fitted
from workbench.runs.reporter import Reporter
from workbench.settings import Settings
from workbench.tasks import DatasetTask, Predictions, SplitRows, TaskData, dataset_task
from workbench.tasks.choices.task import ChoiceTask
from workbench.tasks.classification import Classification
from workbench.tasks.retrieval import Retrieval
from workbench.training import EncoderClassifier, NetworkEncoder

Role = Literal["evaluate", "retention"]


@dataclass(frozen=True)
class MeasuredSet:
    """A dataset with its readable validation and test images.

    Attributes:
        entry: Its entry in the adaptation's file.
        role: What it is measured for.
        task: The task on the dataset.
        metric: Name of the metric, a share of which more is better.
        val: Rows.
        test: Rows.
    """

    entry: MeasuredOn
    role: Role
    task: DatasetTask
    metric: str
    val: IntArray
    test: IntArray

    @classmethod
    def open(
        cls, entry: MeasuredOn, role: Role, dataset: Dataset, encoder: Encoder, settings: Settings, reporter: Reporter
    ) -> "MeasuredSet":
        """Check the metric and read the images.

        Raises:
            WorkbenchError: The metric cannot choose, a split is empty, or too many images are unreadable.
        """
        name = entry.metric or dataset.card.primary_metric
        metric = metric_named(name)
        if not (metric.is_share and metric.higher_is_better):
            raise CardError(
                f"{role}.datasets: {name!r} of {dataset.name!r} is no share of which more is better; name such a "
                "metric (metric = 'accuracy')."
            )
        task_class = dataset_task(dataset.card.task)
        if not (issubclass(task_class, (Classification, Retrieval, ChoiceTask))):
            raise CardError(
                f"{role}.datasets: {dataset.name!r} is for {dataset.card.task}, which embeddings alone do not do; name "
                "datasets for classification, retrieval, matching or grounding."
            )
        data = TaskData(
            dataset, encoder, FeatureStore.of(settings), encoder.device, settings.max_unreadable, settings.workers
        )
        task = task_class(data)
        val, test = dataset.rows("val")[: entry.images], dataset.rows("test")
        for split, rows in (("validation", val), ("test", test)):
            if not len(rows):
                raise DataError(f"dataset {dataset.name!r}: its {split} split is empty, and {role} needs it.")
        progress = partial(reporter.progress, f"images of {dataset.name}")
        (readable,) = data.readable_rows([SplitRows(val[:0], val, test)], partial(task.prepare, progress=progress))
        return cls(entry, role, task, name, readable.val, readable.test)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.task.data.dataset.name

    def predictions(self, network: NetworkEncoder, rows: IntArray) -> Predictions:
        """What a network says of some rows."""
        return self.task.predict(self._predictor(network), rows, "adapt")

    def value(self, network: NetworkEncoder) -> float:
        """The metric on validation.

        Raises:
            DataError: It is not defined there.
        """
        return self.value_of(self.predictions(network, self.val))

    def value_of(self, predictions: Predictions) -> float:
        """The metric of predictions."""
        found = predictions.estimates([metric_named(self.metric)])
        if self.metric not in found or not np.isfinite(found[self.metric].value):
            raise DataError(
                f"dataset {self.name!r}: {self.metric!r} is not defined on its images; name another metric."
            )
        return found[self.metric].value

    def _predictor(self, network: NetworkEncoder) -> Fitted:
        if not isinstance(self.task, Classification):
            return network
        sentences = self.task.data.dataset.prompts.sentences("ensemble")
        bias = np.full(len(sentences), network.bias, np.float32)
        classes = class_embeddings(network, sentences)
        return EncoderClassifier(network.loaded, network.compute, classes, scale=network.scale, bias=bias)


def mean_over(sets: Sequence[MeasuredSet], values: Sequence[float]) -> float:
    """The mean of a value of each set, weighted as the adaptation's file says."""
    return float(np.average(values, weights=[each.entry.weight for each in sets]))
