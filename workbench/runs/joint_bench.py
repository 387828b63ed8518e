"""What recipes are given for retrieval, matching and grounding, and what only the engine sees."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.arrays import IntArray
from workbench.datasets import Dataset
from workbench.datasets.card import Regions as RegionSettings
from workbench.datasets.grounding import Box, boxes_beyond, boxes_note, grounding_items
from workbench.datasets.items import matching_form, matching_items, rows_read_together, unanswerable, unanswerable_note
from workbench.datasets.reading import ChosenImages
from workbench.datasets.roles import ROLES
from workbench.features import Extraction, extract
from workbench.features.regions import Regions
from workbench.runs.bench import Bench, Progress, SplitRows
from workbench.runs.choices_builder import ChoicesBuilder, ItemNames
from workbench.runs.planning import Cell
from workbench.tasks import (
    CaptionedImages,
    CaptioningTask,
    Choices,
    GroundingTask,
    ImageSet,
    JointTask,
    MatchingTask,
    RetrievalTask,
)

_KEPT = 3  # Region features of train, val and test.


@dataclass
class JointBench(Bench):
    """A bench whose items are not labelled images."""

    _regions: dict[bytes, Extraction] = field(default_factory=dict)
    _beyond: dict[int, tuple[int, int]] = field(default_factory=dict)

    def wanted(self, cell: Cell) -> SplitRows:
        """See `Bench.wanted`; without labels, shots are training images in all."""
        rows = {split: self.dataset.rows(split) for split in ("train", "val", "test")}
        statements = self.dataset.card.task == "matching" and matching_form(self.dataset) == "statement"
        if cell.shots == 0 and statements and len(rows["test"]):
            return SplitRows(rows["train"][:0], rows["val"], rows["test"])
        pairs = self.dataset.card.task == "matching" and matching_form(self.dataset) == "pairs"
        if not cell.shots or (len(self.dataset.class_names) and not pairs):
            return super().wanted(cell)
        full = super().wanted(replace(cell, shots=None))
        chosen = {}
        for split in ("train", "val"):
            own = rows[split]
            lacks = self.dataset.manifest.lacks_content
            together = [members for members in rows_read_together(self.dataset, own) if not lacks[members].any()]
            order = np.random.default_rng([cell.seed, len(own)]).permutation(len(together))
            taken = order[: max(1, cell.shots // 2) if pairs else cell.shots]
            chosen[split] = own[np.isin(own, [row for i in taken for row in together[i]])]
        return replace(full, train=chosen["train"], val=chosen["val"])

    def prepare(self, rows: IntArray, progress: Progress | None = None) -> None:
        """See `Bench.prepare`; of grounding, the candidate boxes are embedded."""
        if self.dataset.card.task == "grounding":
            # By split, as they are asked for again.
            for split in ROLES:
                own = self.dataset.rows(split)
                if np.isin(own, rows).any():
                    self._regions_of(own[np.isin(own, rows)], progress)
        else:
            super().prepare(rows, progress)

    def joint_task(self, cell: Cell, rows: SplitRows, *, refit: bool) -> JointTask:
        """What the recipe is given. Test rows are not in it."""
        about = {
            "dataset": self.dataset.name, "model": self.model, "shots": cell.shots, "seed": cell.seed,
            "device": self.device, "refit": refit,
        }  # fmt: skip
        task = self.dataset.card.task
        if task in {"captioning", "retrieval"}:
            kind = CaptioningTask if task == "captioning" else RetrievalTask
            told, asked = (self.captioned(part, unseen=rows.labels_only) for part in (rows.train, rows.val))
            return kind(**about, train=told, val=asked)  # type: ignore[arg-type]
        train, val = (self.choices(part, unseen=rows.labels_only)[0] for part in (rows.train, rows.val))
        if task == "grounding":
            return GroundingTask(**about, train=train, val=val)  # type: ignore[arg-type]
        return MatchingTask(**about, form=matching_form(self.dataset), train=train, val=val)  # type: ignore[arg-type]

    def notes(self, rows: SplitRows) -> list[str]:
        """See `Bench.notes`."""
        if self.dataset.card.task == "matching":
            pairs_form = matching_form(self.dataset) == "pairs"
            items = matching_items(self.dataset, self._whole_pairs(rows.test) if pairs_form else rows.test)
            same = len(unanswerable(items))
            return [unanswerable_note(same, len(items))] if same else []
        if self.dataset.card.task != "grounding":
            return []
        boxes, beyond = self._reach(np.concatenate([rows.seen(split) for split in ROLES]))
        return [boxes_note(self.dataset, boxes, beyond)] if beyond else []

    def captioned(self, rows: IntArray, *, unseen: bool = False) -> CaptionedImages:
        """Images with their texts; an image without a caption is in no pair. For `unseen` see `Bench.images`."""
        number: dict[str, int] = {}
        pairs = [
            (i, number.setdefault(text, len(number)))
            for i, texts in enumerate(self.dataset.captions(rows))
            for text in texts
        ]
        positives = np.unique(np.array(pairs, dtype=np.int64).reshape(-1, 2), axis=0)
        return CaptionedImages(self.images(rows, unseen=unseen), tuple(number), positives, self.dataset.groups(rows))

    def choices(self, rows: IntArray, *, unseen: bool = False) -> tuple[Choices, ItemNames]:
        """Items of matching or grounding, and what they are called. For `unseen` see `Bench.images`."""
        grounding = self.dataset.card.task == "grounding"
        return self._grounding(rows, unseen) if grounding else self._matching(rows, unseen)

    def _matching(self, rows: IntArray, unseen: bool) -> tuple[Choices, ItemNames]:
        place = {int(row): i for i, row in enumerate(rows)}
        pairs_form = matching_form(self.dataset) == "pairs"
        build = ChoicesBuilder(self.dataset)
        for item in matching_items(self.dataset, self._whole_pairs(rows) if pairs_form else rows):
            if pairs_form:
                first, second = (place[row] for row in item.rows)
                order = [(first, 0), (first, 1), (second, 0), (second, 1)]
                candidates = [(image, item.texts[k]) for image, k in order]
                right = [True, False, False, True]
            else:
                candidates = [(place[item.rows[0]], text) for text in item.texts]
                right = [item.truth] if len(item.texts) == 1 else [True] + [False] * (len(item.texts) - 1)
            build.add(item.rows[0], candidates, right, item.kind, " | ".join(item.texts))
        return build.choices(self.images(rows, unseen=unseen))

    def _whole_pairs(self, rows: IntArray) -> IntArray:
        """Rows without those whose partner is unreadable."""
        together = rows_read_together(self.dataset, [*rows, *self.unreadable])
        lost = [row for members in together if any(row in self.unreadable for row in members) for row in members]
        return np.asarray(rows[~np.isin(rows, lost)], dtype=np.int64)

    def _grounding(self, rows: IntArray, unseen: bool) -> tuple[Choices, ItemNames]:
        listed = self._listed_regions(rows)
        if unseen:
            images = self.images(np.repeat(rows[:1], len(listed)), unseen=True)
        else:
            features, regions = self._regions_of(rows).features, self._region_source(listed)
            images = ImageSet(len(listed), lambda: features, regions.decode, places=regions.places)
        place = {region: i for i, region in enumerate(listed)}
        build = ChoicesBuilder(self.dataset)
        for item in grounding_items(self.dataset, rows):
            candidates = [(place[item.row, box], item.text) for box in item.boxes]
            build.add(item.row, candidates, [i in item.right for i in range(len(item.boxes))], item.kind, item.text)
        return build.choices(images)

    def _reach(self, rows: IntArray) -> tuple[int, int]:
        """How many boxes the images of some rows have, and how many reach past their image; refuses those outside."""
        for row in map(int, rows):
            if row not in self._beyond:
                boxes, beyond = boxes_beyond(self.dataset, row)
                self._beyond[row] = boxes, len(beyond)
        return sum(self._beyond[int(row)][0] for row in rows), sum(self._beyond[int(row)][1] for row in rows)

    def _listed_regions(self, rows: IntArray) -> list[tuple[int, Box]]:
        found = ((item.row, box) for item in grounding_items(self.dataset, rows) for box in item.boxes)
        return list(dict.fromkeys(found))

    def _region_source(self, listed: Sequence[tuple[int, Box]]) -> Regions:
        settings = self.dataset.card.regions or RegionSettings()
        rows = list(dict.fromkeys(row for row, _ in listed))
        place = {row: i for i, row in enumerate(rows)}
        images, boxes = ChosenImages(self.dataset, rows), [box for _, box in listed]
        return Regions(images, [place[row] for row, _ in listed], boxes, settings.context, settings.margin)

    def _regions_of(self, rows: IntArray, progress: Progress | None = None) -> Extraction:
        key = rows.tobytes()
        if key in self._regions:
            return self._regions[key]
        self._reach(rows)
        listed = self._listed_regions(rows)
        regions = self._region_source(listed)
        found = extract(
            regions, np.arange(len(listed)), self.encoder, self.store,
            view=regions.context, workers=self.workers, progress=progress,
        )  # fmt: skip
        self._note(found)
        bad = np.flatnonzero(~found.readable)
        self.unreadable.update(
            {listed[i][0]: reason for i, (_, reason) in zip(bad.tolist(), found.unreadable, strict=True)}
        )
        if len(self._regions) >= _KEPT:
            self._regions.pop(next(iter(self._regions)))
        self._regions[key] = found
        return found


def bench_class(dataset: Dataset) -> type[Bench]:
    """The kind of bench that a dataset's task needs."""
    return Bench if dataset.card.task == "classification" else JointBench
