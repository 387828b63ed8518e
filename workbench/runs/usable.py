"""A finished run as an object that answers: loaded once, asked as often as one likes."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.arrays import FloatArray, normalise
from workbench.datasets.roles import SplitChoice
from workbench.errors import WorkbenchError
from workbench.recipes import Fitted
from workbench.runs.apply import answering_task, predicting
from workbench.runs.finished import FinishedRun
from workbench.runs.given_images import GivenImages, image_set, read_given
from workbench.tasks import Answer

if TYPE_CHECKING:
    from workbench.search import Gallery

_ALL = 2**31


class UsableRun(FinishedRun):
    """A `FinishedRun` that keeps its model and predictor in memory, and takes images from a program.

    Nothing is written to disk for the images that it is given. It may be asked from several threads once it has
    answered for the first time.
    """

    @cached_property
    def _fitted(self) -> Fitted:
        return self.predictor()

    def predict(self, images: GivenImages, *, top: int | None = 5) -> list[Answer]:
        """The run's answers, one an image.

        Args:
            images: Arrays uint8 (h, w, 3) in RGB, (h, w) or (n, h, w, 3), pictures of Pillow's, paths, or several.
            top: Classes named for each image; None names all.

        Returns:
            What the task answers: `classes` and `probabilities`, the likeliest first, or `caption`.

        Raises:
            DataError: An image is of another kind, or cannot be read.
            WorkbenchError: The run's task does not answer for single images, or its recipe saved no predictor.
        """
        task = answering_task(self)
        given = image_set(read_given(images, self.card.pixels), self.encoder)
        with predicting(self):
            return list(task.answer(self._fitted, given, self.config, top or _ALL))

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
        from workbench.features import FeatureStore
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
