"""The task: predict the class of an image, or its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from workbench.datasets.card import DatasetCard
from workbench.errors import DataError, RecipeError
from workbench.metrics.frequency import CUTS, NAME, bands_of
from workbench.recipes import Fitted, Recipe, RunSpec
from workbench.tasks.classification.card import ClassificationCard
from workbench.tasks.classification.deciding import chooses, positives_of, validated
from workbench.tasks.classification.decision_answers import decided
from workbench.tasks.classification.given import ClassificationTask, LabelledImages
from workbench.tasks.classification.inference import check_inference
from workbench.tasks.classification.online import OnlinePredictor, stream_orders, stream_scores
from workbench.tasks.classification.predictions import ClassPredictions
from workbench.tasks.classification.predictor import Predictor
from workbench.tasks.classification.recipe import ClassificationRecipe
from workbench.tasks.classification.refusals import why_refused
from workbench.tasks.classification.regional import checklist_notes, checklists_of
from workbench.tasks.classification.unknown_items import UnknownItems
from workbench.tasks.classification.validated import ValidatedPredictor, restored
from workbench.tasks.groups import group_codes
from workbench.tasks.predictions import Predictions
from workbench.tasks.task import Answer, DatasetTask

if TYPE_CHECKING:
    from workbench.arrays import AnyArray, FloatArray, IntArray
    from workbench.datasets import Dataset
    from workbench.images import ImageSet
    from workbench.models.task_model import TaskModel
    from workbench.tasks.split_rows import SplitRows


class Classification(DatasetTask):
    """See the module."""

    Card: ClassVar[type[DatasetCard]] = ClassificationCard
    Capability: ClassVar[type[Recipe[Any]]] = ClassificationRecipe
    Result: ClassVar[type[Predictions]] = ClassPredictions
    answers: ClassVar[bool] = True
    answers_boxes: ClassVar[bool] = True
    items: ClassVar[str] = "images in classification"
    shots_are: ClassVar[str] = "training images per class (shots)"
    names_classes: ClassVar[bool] = True
    in_tables: ClassVar[tuple[str, ...]] = (
        "positive_auroc", "seen_accuracy", "unseen_accuracy", "accuracy", "balanced_accuracy", "macro_f1", "auroc",
        "ece",
    )  # fmt: skip

    @classmethod
    def refuse(cls, spec: RunSpec, dataset: "Dataset") -> str | None:
        """See `DatasetTask.refuse`."""
        return why_refused(spec, dataset)

    @classmethod
    def batches(cls, recipe: type[Recipe[Any]]) -> bool:
        """See `DatasetTask.batches`."""
        recipe_class: Any = recipe
        return recipe_class.fit_many is not ClassificationRecipe.fit_many

    def rows(self, spec: RunSpec) -> "SplitRows":
        """See `DatasetTask.rows`; shots are training images a class."""
        rows = self.data.class_shots(spec)
        dataset, recipe = self.data.dataset, cast("type[ClassificationRecipe[Any]]", spec.factory)
        if spec.shots == 0 and (chooses(dataset) or (dataset.card.multi_label and recipe.chooses_thresholds)):
            rows = replace(rows, val=dataset.rows("val"))
        return replace(rows, unlabelled=self.data.unlabelled_rows(spec)) if spec.unlabelled else rows

    def given(self, spec: RunSpec, rows: "SplitRows", *, refit: bool) -> ClassificationTask:
        """See `DatasetTask.given`."""
        dataset = self.data.dataset
        # What is chosen on validation images needs some that nothing was fitted on.
        held_out = chooses(dataset)
        val = self.labelled(rows.val, unseen=rows.labels_only)
        return ClassificationTask(
            dataset=dataset.name,
            class_names=dataset.fitted.class_names,
            prompts=dataset.fitted.prompts,
            train=self.labelled(rows.train, unseen=rows.labels_only),
            # Without shots a recipe is given no label.
            val=val.subset(np.arange(0)) if held_out and spec.shots == 0 else val,
            held_out=replace(val, observations=self._observations(rows.val)) if held_out else None,
            model=self.data.model,
            multi_label=dataset.card.multi_label,
            shots=spec.shots,
            seed=spec.seed,
            device=self.data.device,
            refit=refit and not held_out,
            unseen=tuple(dataset.fitted.unseen_classes.tolist()),
            val_made="val" in dataset.made_splits and not held_out,
            unlabelled=self.data.images(rows.unlabelled) if spec.unlabelled else None,
        )

    def labelled(self, rows: "IntArray", *, unseen: bool = False) -> LabelledImages:
        """Images with labels and groups; for `unseen` see `TaskData.images`."""
        dataset = self.data.dataset
        return LabelledImages(self.data.images(rows, unseen=unseen), dataset.labels_to_fit(rows), dataset.groups(rows))

    def _observations(self, rows: "IntArray") -> "AnyArray | None":
        names = self.data.dataset.observations(rows)
        return None if names is None else group_codes(names)

    def notes(self, rows: "SplitRows") -> list[str]:  # noqa: ARG002
        """See `DatasetTask.notes`: on lists of classes by region."""
        return checklist_notes(self.data.dataset)

    def fit(self, recipe: Any, given: Sequence[Any]) -> Sequence[Fitted]:
        """See `DatasetTask.fit`."""
        fitted: Sequence[Fitted] = [recipe.fit(given[0])] if len(given) == 1 else recipe.fit_many(given)
        dataset = self.data.dataset
        if isinstance(fitted, Sequence) and dataset.fitted is not dataset:
            fitted = [recipe.for_classes(each, dataset.prompts, self.data.model, self.data.device) for each in fitted]
        if isinstance(fitted, Sequence):
            for predictor in fitted:
                check_inference(recipe, predictor)
            if chooses(dataset):
                return [validated(predictor, own, dataset) for predictor, own in zip(fitted, given, strict=True)]
        return fitted

    @classmethod
    def restore(cls, recipe: type[Any], directory: Path, model: "TaskModel", device: str) -> Fitted:
        """See `DatasetTask.restore`."""
        predictor: Fitted = recipe.restore(directory, model, device)
        return restored(predictor, directory) if isinstance(predictor, Predictor) else predictor

    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> ClassPredictions:
        """See `DatasetTask.predict`."""
        dataset = self.data.dataset
        if not isinstance(predictor, Predictor | OnlinePredictor):
            raise RecipeError(f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a Predictor.")
        given = _scored(predictor, self.data.images(rows))
        shape = (len(rows), len(dataset.class_names))
        wrong = next((scores.shape for scores in given if scores.shape != shape), None)
        if wrong is not None:
            raise RecipeError(
                f"recipe {recipe!r} gave scores of shape {wrong}, expected {shape} (test images, classes)."
            )
        names = dataset.unknown_names(rows)
        known = np.array([name is None for name in names], dtype=np.bool_)
        unknown_items = None
        if dataset.unknown_class_names:
            other = rows[~known]
            unknown_items = UnknownItems(
                dataset.ids(other), dataset.group_names(other), [name for name in names if name is not None],
                given[0][~known], predictor.scale,
            )  # fmt: skip
            given, rows = [scores[known] for scores in given], rows[known]
        return ClassPredictions(
            ids=dataset.ids(rows),
            groups=dataset.group_names(rows),
            labels=dataset.labels(rows),
            scores=given[0],
            class_names=dataset.class_names,
            class_keys=dataset.class_keys,
            unseen=tuple(dataset.unseen_classes.tolist()),
            positive=next(iter(positives_of(dataset)), 1),
            domains=dataset.domains(rows),
            source_domains=dataset.source_domains,
            other_orders=tuple(given[1:]),
            subgroups=dataset.subgroups(rows),
            unknown_items=unknown_items,
            taxonomy=dataset.taxonomy,
            bands=_bands(dataset),
            observations=dataset.observations(rows),
            regions=dataset.regions(rows),
            checklists=checklists_of(dataset),
            choices=predictor.choices if isinstance(predictor, ValidatedPredictor) else None,
            validation=predictor.validation if isinstance(predictor, ValidatedPredictor) else None,
        )

    @classmethod
    def answer(
        cls, predictor: Fitted, images: "ImageSet", config: Mapping[str, Any], top: int
    ) -> list[Answer]:  # fmt: skip
        """The likeliest classes first; where multi-label, those with a probability of at least 0.5.

        Where test had images of unknown classes, `known` says whether an image is taken for one of a known class, see
        `ValidatedPredictor.known`. With `[decisions]` there is what was chosen on validation, too; see `decided`.

        A transductive predictor is asked about all images together, an online one about one after the other.
        """
        names, multi_label = tuple(config["class_names"]), bool(config["multi_label"])
        if isinstance(predictor, OnlinePredictor):
            scores: FloatArray = stream_scores(predictor, images, np.arange(len(images)))
        elif isinstance(predictor, Predictor):
            scores = np.asarray(predictor.scores(images), dtype=np.float32)
        else:
            raise RecipeError(f"a {type(predictor).__name__} answers for no image.")
        if scores.shape != (len(images), len(names)) or np.isnan(scores).any():
            raise DataError(
                f"its predictor gives {scores.shape} scores, or some that are no numbers, where "
                f"({len(images)}, {len(names)}) are due; it is damaged. Run it again with --fresh."
            )
        labels = np.zeros(scores.shape, bool) if multi_label else np.zeros(len(scores), np.int64)
        chances = ClassPredictions([], [], labels, scores, names).probabilities
        answers = [_likeliest(image_chances, names, top, multi_label) for image_chances in chances]
        if not isinstance(predictor, ValidatedPredictor):
            return answers
        known, decisions = predictor.known(scores), decided(predictor.choices, scores, names)
        answers = [{**answer, **own} for answer, own in zip(answers, decisions, strict=True)]
        if known is None:
            return answers
        return [{**answer, "known": bool(own)} for answer, own in zip(answers, known, strict=True)]

    @classmethod
    def score_boxes(
        cls, predictor: Fitted, regions: "ImageSet", texts: Sequence[str], model: "TaskModel"
    ) -> "FloatArray":
        """See `DatasetTask.score_boxes`; of predictors that score classes by their text, each text being a class."""
        inner = predictor.inner if isinstance(predictor, ValidatedPredictor) else predictor
        if not isinstance(inner, Predictor):
            raise RecipeError(f"a {type(inner).__name__} scores no other classes than its own.")
        scores = inner.for_classes([[text] for text in texts], model).scores(regions)
        return np.asarray(scores, dtype=np.float32).T

    def figures(self, predictions: Predictions, folder: Path) -> None:
        """A confusion matrix and a reliability diagram; with `[decisions]` curves of positive against negative, too."""
        if not isinstance(predictions, ClassPredictions) or predictions.labels is None or predictions.multi_label:
            return
        from workbench.figures import confusion_matrix_figure, reliability_figure, save_png
        from workbench.tasks.classification.curves import draw_curves

        folder.mkdir()
        predicted = np.argmax(predictions.scores, axis=1)
        matrix = confusion_matrix_figure(predictions.labels, predicted, predictions.class_names)
        save_png(matrix, folder / "confusion_matrix.png")
        save_png(reliability_figure(predictions.scores, predictions.labels), folder / "reliability.png")
        draw_curves(predictions, folder)


def _scored(predictor: Predictor | OnlinePredictor, images: "ImageSet") -> "list[FloatArray]":
    """Scores in the order of the images; of an online predictor those of every order of the stream."""
    if isinstance(predictor, OnlinePredictor):
        return [stream_scores(predictor, images, order) for order in stream_orders(len(images))]
    return [np.asarray(predictor.scores(images), dtype=np.float32)]


def _bands(dataset: "Dataset") -> tuple[str, ...]:
    """The band of each class by its images in all of train, however few of them a run has; empty where none asks."""
    if not any(metric.name == NAME for metric in dataset.card.run_metrics):
        return ()
    return bands_of(dataset.class_counts("train"), getattr(dataset.card, "frequency", None) or CUTS)


def _likeliest(chances: Any, names: Sequence[str], top: int, multi_label: bool) -> Answer:
    order = np.argsort(-chances, kind="stable")[:top]
    if multi_label:
        order = np.array([c for c in order if chances[c] >= 0.5], dtype=np.int64)
    return {
        "classes": tuple(names[c] for c in order),
        "probabilities": tuple(round(float(chances[c]), 6) for c in order),
    }
