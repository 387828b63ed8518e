"""The task: pick the box that an instruction means."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from workbench.datasets.card import DatasetCard
from workbench.datasets.reading import ChosenImages
from workbench.datasets.roles import ROLES
from workbench.errors import DataError
from workbench.features import Extraction, extract
from workbench.features.regions import Regions, Surroundings
from workbench.features.windows import Windows
from workbench.images import ImageSet
from workbench.recipes import Fitted, Recipe, RunSpec
from workbench.tasks.choices.builder import ChoicesBuilder, ItemNames
from workbench.tasks.choices.candidates import Candidates, Choices
from workbench.tasks.choices.pair_scorer import PairScorer
from workbench.tasks.choices.scoring import candidate_scores
from workbench.tasks.choices.task import ChoiceTask
from workbench.tasks.data import Progress, TaskData
from workbench.tasks.grounding.card import BoxSettings, GroundingCard, grounding_card
from workbench.tasks.grounding.given import GroundingTask
from workbench.tasks.grounding.items import Box, boxes_beyond, boxes_note, grounding_items, undetected, undetected_note
from workbench.tasks.grounding.pointing import pointed
from workbench.tasks.grounding.predictions import GroundingPredictions
from workbench.tasks.image_text.given import ImageTextTask
from workbench.tasks.predictions import Predictions
from workbench.tasks.split_rows import SplitRows

if TYPE_CHECKING:
    from workbench.arrays import FloatArray, IntArray
    from workbench.models.task_model import TaskModel
    from workbench.tasks.image_text.dual_encoder import DualEncoderPredictor

_KEPT = 3  # Region features of train, val and test.


class Grounding(ChoiceTask):
    """See the module. The images of its items are cut-outs about candidate boxes."""

    Card: ClassVar[type[DatasetCard]] = GroundingCard
    Given: ClassVar[type[ImageTextTask]] = GroundingTask
    Result: ClassVar[type[Predictions]] = GroundingPredictions
    items: ClassVar[str] = "instructions in grounding"

    def __init__(self, data: TaskData) -> None:
        super().__init__(data)
        self._regions: dict[bytes, Extraction] = {}
        self._beyond: dict[int, tuple[int, int]] = {}

    def count_missing(self, rows: "IntArray") -> int:
        """See `DatasetTask.count_missing`."""
        listed = self._listed(rows)
        regions = self._source(listed)
        hashes = regions.hashes(np.arange(len(listed)))
        return int((~self.data.store.images(self.data.encoder, regions.context).has(hashes)).sum())

    def prepare(self, rows: "IntArray", progress: Progress | None = None) -> None:
        """See `DatasetTask.prepare`; the candidate boxes are embedded."""
        # By split, as `choices` asks for them.
        for split in ROLES:
            split_rows = self.data.dataset.rows(split)
            if np.isin(split_rows, rows).any():
                self._regions_of(split_rows[np.isin(split_rows, rows)], progress)

    def given(self, spec: RunSpec, rows: SplitRows, *, refit: bool) -> GroundingTask:
        """See `DatasetTask.given`."""
        train, val = (self.choices(part, unseen=rows.labels_only)[0] for part in (rows.train, rows.val))
        return GroundingTask(**self.common_fields(spec, refit=refit), train=train, val=val)

    def notes(self, rows: SplitRows) -> list[str]:
        """See `DatasetTask.notes`."""
        boxes, beyond = self._reach(np.concatenate([rows.seen(split) for split in ROLES]))
        notes = [boxes_note(self.data.dataset, boxes, beyond)] if beyond else []
        if grounding_card(self.data.dataset).detections is not None:
            missed, of = undetected(self.data.dataset, rows.test)
            notes += [undetected_note(missed, of, "test")] if missed else []
        return notes

    def prepare_more(
        self, recipe: Recipe[Any], rows: SplitRows, progress: Progress | None = None
    ) -> None:  # fmt: skip
        """See `DatasetTask.prepare_more`: the windows of test images, where the card asks where a run points."""
        super().prepare_more(recipe, rows, progress)
        if self._points:
            self._window_images(rows.test, progress)

    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> GroundingPredictions:
        """See `DatasetTask.predict`."""
        predictions = cast(GroundingPredictions, super().predict(predictor, rows, recipe))
        if not self._points:
            return predictions
        windows, images = self._window_images(rows)
        items = grounding_items(self.data.dataset, rows)
        scorer = cast("DualEncoderPredictor | PairScorer", predictor)
        found = pointed(items, windows, images, lambda each: candidate_scores(scorer, each, recipe))
        return replace(predictions, pointing=found)

    @property
    def _points(self) -> bool:
        return grounding_card(self.data.dataset).box_settings.pointing

    def _window_images(
        self, rows: "IntArray", progress: Progress | None = None
    ) -> tuple[dict[int, Windows], ImageSet]:  # fmt: skip
        """Windows of the pictures of rows that are asked about, and all of them as images."""
        dataset = self.data.dataset
        asked = dict.fromkeys(item.row for item in grounding_items(dataset, rows))
        windows = {row: Windows.over(dataset.size(row)) for row in asked}
        listed = [(row, box) for row, own in windows.items() for box in own.boxes]
        regions = self._source(listed, margin=0.0)
        extraction = extract(
            regions, np.arange(len(listed)), self.data.encoder, self.data.store,
            view=regions.context, workers=self.data.workers, progress=progress,
        )  # fmt: skip
        self.data.note(extraction)
        if extraction.unreadable:
            raise DataError("{} cannot be read any more: {}.".format(*extraction.unreadable[0]))
        features = extraction.features
        return windows, ImageSet(len(listed), lambda: features, regions.decode, places=regions.places)

    def choices(self, rows: "IntArray", *, unseen: bool = False) -> tuple[Choices, ItemNames]:
        """See `ChoiceTask.choices`."""
        dataset = self.data.dataset
        listed = self._listed(rows)
        if unseen:
            images = self.data.images(np.repeat(rows[:1], len(listed)), unseen=True)
        else:
            features, regions = self._regions_of(rows).features, self._source(listed)
            images = ImageSet(len(listed), lambda: features, regions.decode, places=regions.places)
        place = {region: i for i, region in enumerate(listed)}
        build = ChoicesBuilder(dataset)
        for item in grounding_items(dataset, rows):
            candidates = [(place[item.row, box], item.text) for box in item.boxes]
            build.add(item.row, candidates, [i in item.answers for i in range(len(item.boxes))], item.kind, item.text)
        return build.choices(images)

    @classmethod
    def score_boxes(
        cls, predictor: Fitted, regions: ImageSet, texts: Sequence[str], model: "TaskModel"
    ) -> "FloatArray":
        """See `DatasetTask.score_boxes`."""
        if not isinstance(predictor, PairScorer):
            return super().score_boxes(predictor, regions, texts, model)
        images, sentences = np.arange(len(regions)), np.arange(len(texts))
        pairs = np.column_stack([np.tile(images, len(texts)), np.repeat(sentences, len(images))])
        candidates = Candidates(regions, tuple(texts), pairs, pairs[:, 1])
        scores = candidate_scores(predictor, candidates, type(predictor).__name__)
        return scores.reshape(len(texts), len(regions))

    @classmethod
    def surroundings(cls, card: DatasetCard) -> Surroundings:
        """See `DatasetTask.surroundings`."""
        settings = card.box_settings if isinstance(card, GroundingCard) else BoxSettings()
        return Surroundings(settings.context, settings.margin)

    def _reach(self, rows: "IntArray") -> tuple[int, int]:
        """The number of boxes of some rows' images, and of those that reach past their image; refuses boxes outside."""
        for row in map(int, rows):
            if row not in self._beyond:
                boxes, beyond = boxes_beyond(self.data.dataset, row)
                self._beyond[row] = boxes, len(beyond)
        return sum(self._beyond[int(row)][0] for row in rows), sum(self._beyond[int(row)][1] for row in rows)

    def _listed(self, rows: "IntArray") -> list[tuple[int, Box]]:
        boxes = ((item.row, box) for item in grounding_items(self.data.dataset, rows) for box in item.boxes)
        return list(dict.fromkeys(boxes))

    def _source(self, listed: Sequence[tuple[int, Box]], margin: float | None = None) -> Regions:
        settings = grounding_card(self.data.dataset).box_settings
        rows = list(dict.fromkeys(row for row, _ in listed))
        place = {row: i for i, row in enumerate(rows)}
        images, boxes = ChosenImages(self.data.dataset, rows), [box for _, box in listed]
        widened = settings.margin if margin is None else margin
        return Regions(images, [place[row] for row, _ in listed], boxes, settings.context, widened)

    def _regions_of(self, rows: "IntArray", progress: Progress | None = None) -> Extraction:
        key = rows.tobytes()
        if key in self._regions:
            return self._regions[key]
        self._reach(rows)
        listed = self._listed(rows)
        regions = self._source(listed)
        extraction = extract(
            regions, np.arange(len(listed)), self.data.encoder, self.data.store,
            view=regions.context, workers=self.data.workers, progress=progress,
        )  # fmt: skip
        self.data.note(extraction)
        bad = np.flatnonzero(~extraction.readable)
        self.data.unreadable.update(
            {listed[i][0]: reason for i, (_, reason) in zip(bad.tolist(), extraction.unreadable, strict=True)}
        )
        if len(self._regions) >= _KEPT:
            self._regions.pop(next(iter(self._regions)))
        self._regions[key] = extraction
        return extraction
