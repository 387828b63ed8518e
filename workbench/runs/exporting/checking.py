"""An export is compared with the run before it is kept: the same test images, the same scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.datasets import Dataset, open_dataset
from workbench.datasets.reading import ChosenImages
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore
from workbench.images import Features
from workbench.metrics import sigmoid, softmax
from workbench.models import open_model
from workbench.pseudonyms import Pseudonyms
from workbench.runs.finished import FinishedRun
from workbench.runs.given_images import image_set
from workbench.tasks import TaskData
from workbench.tracking import schema

if TYPE_CHECKING:
    from workbench.runs.exporting.classifier import ExportedClassifier

TOLERANCE = 1e-4
_IMAGES = 32


@dataclass(frozen=True)
class Difference:
    """How far two sets of scores of the same images are apart.

    Attributes:
        probability: Largest difference of a probability.
        logit: Largest difference of a logit, as a share of the largest logit. What all classes of an image have in
            common does not count where they are one choice.
        images: Number of images.
        agree: Number of images with the same first class.
    """

    probability: float
    logit: float
    images: int
    agree: int

    @property
    def is_small(self) -> bool:
        """Whether both are within the tolerance; NaN is not."""
        return self.probability <= TOLERANCE and self.logit <= TOLERANCE

    @classmethod
    def between(cls, a: AnyArray, b: AnyArray, *, multi_label: bool) -> "Difference":
        """Of logits (n, n_classes)."""
        a, b = (np.asarray(logits, np.float64) for logits in (a, b))
        if not multi_label:
            a, b = (logits - logits.mean(axis=1, keepdims=True) for logits in (a, b))
        of = sigmoid if multi_label else softmax
        probability = float(np.abs(of(a) - of(b)).max())
        logit = float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))
        return cls(probability, logit, len(a), int((a.argmax(axis=1) == b.argmax(axis=1)).sum()))

    def check(self, what: str) -> None:
        """Raise `WorkbenchError` if it is not small."""
        if not self.is_small:
            raise WorkbenchError(
                f"{what} gives other scores than the run: probabilities differ by up to {self.probability:.1e} and "
                f"logits by {self.logit:.1e} of the largest, on {self.images} images; more than {TOLERANCE:g} is no "
                "export. Nothing was written."
            )

    def __str__(self) -> str:
        return f"largest difference of a probability {self.probability:.1e}, of a logit {self.logit:.1e} of the largest"


@dataclass(frozen=True)
class TestImages:
    """Some of a run's test images, with the scores that the run recorded.

    Attributes:
        dataset: The run's.
        rows: Of the images.
        recorded: Logits (n, n_classes).
    """

    dataset: Dataset
    rows: AnyArray
    recorded: FloatArray

    @classmethod
    def of(cls, run: FinishedRun, count: int = _IMAGES) -> "TestImages":
        """From a run's dataset, spread evenly over its predictions.

        Raises:
            WorkbenchError: The dataset is not there any more, or has other images.
        """
        dataset = open_dataset(run.dataset_argument, run.settings, language=run.config.get("language"))
        if run.result.tags.get(schema.PSEUDONYMS):
            dataset = dataset.under_pseudonyms(Pseudonyms.of_machine(run.settings.cache))
        every = np.arange(len(dataset.manifest.records))
        row_of = dict(zip(dataset.ids(every), every.tolist(), strict=True))
        predictions = run.predictions
        known = [i for i, name in enumerate(predictions.ids) if name in row_of]  # type: ignore[attr-defined]
        if not known:
            raise WorkbenchError(
                f"run {run.result.run_id[:8]}: none of its test images is in {run.dataset_argument} any more, and an "
                "export is compared with the run's scores on some; bring the dataset back to its place."
            )
        chosen = [
            known[i] for i in np.unique(np.linspace(0, len(known) - 1, min(count, len(known))).round().astype(int))
        ]
        rows = np.array([row_of[predictions.ids[i]] for i in chosen])  # type: ignore[attr-defined]
        return cls(dataset, rows, np.asarray(predictions.scores[chosen], np.float32))  # type: ignore[attr-defined]

    def pictures(self) -> list[AnyArray]:
        """Upright RGB, uint8 (h, w, 3)."""
        chosen = ChosenImages(self.dataset, self.rows)
        return [np.array(chosen.decode(i)) for i in range(len(self.rows))]

    def features(self, run: FinishedRun) -> Features:
        """Of the run's model, from the store where it has them."""
        data = TaskData(self.dataset, run.encoder, FeatureStore.of(run.settings), "cpu", 1.0, run.settings.workers)
        return data.images(self.rows).features


@dataclass(frozen=True)
class Reference:
    """Inputs of an exported network with the run's own answers.

    Attributes:
        pixels: float32 (n, 3, h, w), preprocessed as the run's own were.
        scores: Logits of the run's predictor with all of it computed in fp32.
        recorded: Logits in the run's record.
        is_exact: Whether these were computed in fp32 on a CPU, so that they must be the same.
    """

    pixels: FloatArray
    scores: FloatArray
    recorded: FloatArray
    is_exact: bool

    @classmethod
    def of(cls, classifier: "ExportedClassifier", images: TestImages) -> "Reference":
        """Compute it."""
        import torch

        run, pictures = classifier.run, images.pictures()
        setup = {"precision": "fp32", "preprocessing": run.encoder.preprocessing, "device": "cpu"}
        encoder = open_model(run.config["model_argument"], run.settings.model_copy(update=setup))
        given = image_set(pictures, encoder)
        scores = classifier.predictor.in_fp32().scores(given)
        network = classifier.network
        transform = None if classifier.own_network else encoder.pixel_transform
        if transform is None:  # Networks that were trained see pictures as the model's own transform makes them.
            pixels = torch.stack([network.preprocess(given.decode(i)) for i in range(len(given))])
        else:
            pixels = network.normalise(torch.stack([transform(array) for array in pictures]).permute(0, 3, 1, 2))
        in_fp32 = run.config["precision"] == "fp32" and run.config["config"].get("precision", "auto") in {
            "auto",
            "fp32",
        }
        on_cpu = run.result.tags.get("device", "cpu").startswith("cpu")
        return cls(pixels.contiguous().numpy(), np.asarray(scores), images.recorded, in_fp32 and on_cpu)


def compare(
    answer: Callable[[FloatArray], AnyArray], reference: Reference, what: str, *, multi_label: bool
) -> list[str]:
    """Compare an exported network with the run.

    Args:
        answer: Logits (n, n_classes) of pixels.
        reference: The run's own.
        what: The export, for the message.
        multi_label: See `ExportedClassifier`.

    Returns:
        Sentences on what was found.

    Raises:
        WorkbenchError: They differ by more than the tolerance.
    """
    logits = answer(reference.pixels)
    own = Difference.between(logits, reference.scores, multi_label=multi_label)
    own.check(what)
    recorded = Difference.between(logits, reference.recorded, multi_label=multi_label)
    if reference.is_exact:
        recorded.check(what)
        return [f"checked on {own.images} test images against the run's recorded scores: {recorded}"]
    return [
        f"checked on {own.images} test images against the run's predictor in fp32: {own}",
        f"the run was computed in a lower precision or on another device: its recorded probabilities differ by up to "
        f"{recorded.probability:.1e}, with the same first class for {recorded.agree} of {recorded.images} images",
    ]


def compare_head(
    answer: Callable[[Features], AnyArray], features: Features, recorded: FloatArray, what: str, *, multi_label: bool
) -> list[str]:
    """Compare an exported head with the run's recorded scores, on the run's own features; see `compare`."""
    found = Difference.between(answer(features), recorded, multi_label=multi_label)
    found.check(what)
    return [f"checked on {found.images} test images against the run's recorded scores: {found}"]


def in_batches(answer: Callable[[FloatArray], AnyArray], pixels: FloatArray, size: int = 8) -> AnyArray:
    """Answers for pixels, a few at a time: an export must take any number."""
    parts: Sequence[AnyArray] = [answer(pixels[start : start + size]) for start in range(0, len(pixels), size)]
    return np.concatenate(parts)
