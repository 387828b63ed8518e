"""A finished run as an object that answers: loaded once, asked as often as one likes."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.arrays import FloatArray, normalise
from workbench.datasets.roles import SplitChoice
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore
from workbench.features.windows import SCALES
from workbench.images import ImageSet
from workbench.recipes import Fitted
from workbench.runs.apply import answers_of, check_answers, predicting
from workbench.runs.finished import FinishedRun
from workbench.runs.given_images import GivenImages, image_set, read_given
from workbench.runs.given_texts import ModelInMemory
from workbench.runs.picking import check_picks, pick_boxes, point_at, texts_of_images
from workbench.tasks import Answer

if TYPE_CHECKING:
    from workbench.search import Gallery


class UsableRun(FinishedRun):
    """A `FinishedRun` that keeps its model and predictor in memory, and takes images from a program.

    Nothing is written to disk for the images and texts that it is given. It may be asked from several threads once it
    has answered for the first time.
    """

    @cached_property
    def model(self) -> ModelInMemory:
        """See `FinishedRun.model`."""
        return ModelInMemory(self.encoder, FeatureStore.of(self.settings))

    @cached_property
    def _fitted(self) -> Fitted:
        return self.predictor()

    def predict(
        self, images: GivenImages, texts: str | Sequence[str] = (), *, top: int | None = 5
    ) -> list[Answer]:  # fmt: skip
        """The run's answers, one an image.

        Args:
            images: Arrays uint8 (h, w, 3) in RGB, (h, w) or (n, h, w, 3), pictures of Pillow's, paths, or several.
            texts: Of runs of retrieval and matching, what the images are compared with; see `ground` for grounding.
            top: Classes, or texts, named for each image; None names all.

        Returns:
            What the task answers: `classes` and `probabilities`, the likeliest first, and what the card's `[decisions]`
            make of them; `caption`; or `texts` with their `cosines` or `probabilities`.

        Raises:
            DataError: An image is of another kind, or cannot be read.
            WorkbenchError: The run's task does not answer so, or its recipe saved no predictor.
        """
        sentences = check_answers(self, [texts] if isinstance(texts, str) else texts)
        given = image_set(read_given(images, self.card.pixels), self.encoder)
        with predicting(self):
            return answers_of(self, self._fitted, given, sentences, top)

    def ground(
        self, images: GivenImages, boxes: Any, texts: str | Sequence[str], *, scales: Sequence[int] = SCALES
    ) -> list[Answer]:
        """Which box of an image each text means, or which place where there are no boxes.

        Args:
            images: As for `predict`.
            boxes: Those of the image, or a list of such lists, one an image: (n, 4) of left, top, right, bottom in
                pixels of the upright image, or a detector's objects with a `box` or COCO's `bbox`. None looks
                everywhere, through windows at several scales.
            texts: A sentence; or several about one image; or one for each image.
            scales: Windows along an edge of a square image, of each scale; without boxes.

        Returns:
            One answer a text: `text`, `box` (its number), `place` (its corners), `point` (its centre), `probability`
            and the `probabilities` of all boxes. Without boxes `text`, `point` (where the heat map is highest) and
            `place` (the best window).

        Raises:
            DataError: An image, a box or a text is none; says which.
            WorkbenchError: The run compares no texts with parts of an image.
        """
        check_picks(self)
        arrays = read_given(images, self.card.pixels)
        sentences = texts_of_images(texts, len(arrays))
        if boxes is not None:
            return pick_boxes(self, self._score, arrays, boxes, sentences)
        pointed = (point_at(self, self._score, *each, scales) for each in zip(arrays, sentences, strict=True))
        return [answer for answers, _ in pointed for answer in answers]

    def heat_map(self, image: GivenImages, text: str, *, scales: Sequence[int] = SCALES) -> FloatArray:
        """How well each pixel of an image fits a text, float32 (height, width), in logits.

        Args:
            image: One, as for `predict`.
            text: A sentence.
            scales: As for `ground`.

        Raises:
            DataError: It is not one image, or no text.
            WorkbenchError: As for `ground`.
        """
        _, (heat,) = self.point(image, [text], scales=scales)
        return heat

    def point(
        self, image: GivenImages, texts: Sequence[str], *, scales: Sequence[int] = SCALES
    ) -> tuple[list[Answer], list[FloatArray]]:
        """`ground` without boxes of one image, and the `heat_map` of each text."""
        check_picks(self)
        arrays = read_given(image, self.card.pixels)
        if len(arrays) != 1:
            raise DataError(f"heat map: takes one image, got {len(arrays)}.")
        (sentences,) = texts_of_images(texts, 1)
        return point_at(self, self._score, arrays[0], sentences, scales)

    def _score(self, regions: ImageSet, texts: Sequence[str]) -> FloatArray:
        with predicting(self):
            return self.task.score_boxes(self._fitted, regions, texts, self.model)

    def embed(self, images: GivenImages) -> FloatArray:
        """Embeddings of the run's model in the joint space, float32 (n, d), of unit norm.

        Of a recipe that changes weights they are the model's as it was before; `--model run:RUN` takes its network.

        Args:
            images: As for `predict`.
        """
        return normalise(image_set(read_given(images, self.card.pixels), self.encoder).features.projected)

    def search(
        self, texts: str | Sequence[str] = (), images: GivenImages = None, *, top: int = 20, split: SplitChoice = "test"
    ) -> list[dict[str, Any]]:
        """Images of the run's dataset that are most like all that is given together.

        Args:
            texts: A sentence, or several.
            images: As for `predict`, or None.
            top: At most so many.
            split: Where they are looked for.

        Returns:
            `id`, `score` (cosine), `labels` and `captions` of each, the best first.

        Raises:
            WorkbenchError: Neither texts nor images are given, or the dataset is not at its place any more.
        """
        from workbench.search.query import ImageTerm, Term, TextTerm
        from workbench.search.searching import search_images
        from workbench.search.sheet import labels_of

        sentences = [texts] if isinstance(texts, str) else list(texts)
        terms: list[Term] = [TextTerm(sentence) for sentence in sentences]
        if images is not None:
            terms += [ImageTerm(str(i), feature) for i, feature in enumerate(self.embed(images), 1)]
        if not terms:
            raise WorkbenchError("search: give at least one sentence or image.")
        gallery = self._gallery(split)
        hits = search_images(gallery, terms, top)
        dataset = gallery.dataset
        return [
            {
                "id": name, "score": score, "labels": labels_of(dataset, row),
                "captions": list(dataset.captions([row])[0]),
            }
            for row, score, name in zip(hits.rows.tolist(), hits.scores.tolist(), hits.ids, strict=True)
        ]  # fmt: skip

    def _gallery(self, split: SplitChoice) -> "Gallery":
        from workbench.datasets import open_pictures
        from workbench.search import open_gallery

        known = self._galleries
        if split not in known:
            dataset = open_pictures(self.dataset_argument, self.settings, language=self.card.language)
            store = FeatureStore.of(self.settings)
            known[split] = open_gallery(dataset, self.encoder, store, split, workers=self.settings.workers)
        return known[split]

    @cached_property
    def _galleries(self) -> "dict[str, Gallery]":
        return {}
