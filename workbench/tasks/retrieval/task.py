"""The task: find the texts of an image, and the images of a text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.datasets.card import DatasetCard
from workbench.errors import RecipeError
from workbench.metrics import functional as F
from workbench.recipes import Fitted, RunSpec
from workbench.tasks.image_text.captioned import CaptionedImages
from workbench.tasks.image_text.captions import require_captions
from workbench.tasks.image_text.dual_encoder import DualEncoderPredictor
from workbench.tasks.image_text.given import ImageTextTask
from workbench.tasks.image_text.ranked import ranked_texts
from workbench.tasks.image_text.task import ImageText, unit_embeddings
from workbench.tasks.predictions import Predictions
from workbench.tasks.retrieval.card import RetrievalCard
from workbench.tasks.retrieval.first_answers import first_answers
from workbench.tasks.retrieval.given import RetrievalTask
from workbench.tasks.retrieval.predictions import RetrievalPredictions
from workbench.tasks.task import Answer

if TYPE_CHECKING:
    from workbench.arrays import IntArray
    from workbench.images import ImageSet
    from workbench.tasks.split_rows import SplitRows


class Retrieval(ImageText):
    """See the module."""

    Card: ClassVar[type[DatasetCard]] = RetrievalCard
    Given: ClassVar[type[ImageTextTask]] = RetrievalTask
    Result: ClassVar[type[Predictions]] = RetrievalPredictions
    answers_texts: ClassVar[bool] = True
    items: ClassVar[str] = "the queries of one direction in retrieval, whose gallery stays as it is"
    in_tables: ClassVar[tuple[str, ...]] = (
        "text_to_image_recall_at_1", "image_to_text_recall_at_1", "text_to_image_map", "image_to_text_map",
    )  # fmt: skip

    def given(self, spec: RunSpec, rows: "SplitRows", *, refit: bool) -> RetrievalTask:
        """See `DatasetTask.given`."""
        train, val = (self.captioned(part, unseen=rows.labels_only) for part in (rows.train, rows.val))
        return RetrievalTask(**self.common_fields(spec, refit=refit), train=train, val=val)

    @classmethod
    def answer_texts(
        cls, predictor: Fitted, images: "ImageSet", texts: Sequence[str], card: DatasetCard, top: int  # noqa: ARG003
    ) -> list[Answer]:  # fmt: skip
        """The texts nearest to each image first, with their cosines."""
        if not isinstance(predictor, DualEncoderPredictor):
            raise RecipeError(f"a {type(predictor).__name__} ranks no texts.")
        of_images, of_texts = unit_embeddings(predictor, images, tuple(texts), type(predictor).__name__)
        return [ranked_texts(texts, "cosines", cosines, top) for cosines in of_images @ of_texts.T]

    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> RetrievalPredictions:
        """See `DatasetTask.predict`."""
        if not isinstance(predictor, DualEncoderPredictor):
            raise RecipeError(
                f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a DualEncoderPredictor: retrieval "
                "ranks embeddings."
            )
        dataset = self.data.dataset
        require_captions(dataset, rows, RetrievalCard.aim)
        data = self.captioned(rows)
        images, texts = unit_embeddings(predictor, data.images, data.texts, recipe)
        names = dataset.ids(rows)
        image_groups = dataset.group_names(rows)
        text_groups = _text_groups(data, names, image_groups)
        of_texts = data.positives[np.lexsort((data.positives[:, 0], data.positives[:, 1]))][:, ::-1]
        text_ranks = F.rank_positives(images, texts, data.positives)
        image_ranks = F.rank_positives(texts, images, of_texts)
        return RetrievalPredictions(
            direction=[*["image_to_text"] * len(text_ranks.queries), *["text_to_image"] * len(image_ranks.queries)],
            ids=[*(names[q] for q in text_ranks.queries), *(data.texts[q] for q in image_ranks.queries)],
            groups=[*(image_groups[q] for q in text_ranks.queries), *(text_groups[q] for q in image_ranks.queries)],
            ranks=[
                query_ranks.tolist()
                for ranks in (text_ranks, image_ranks)
                for query_ranks in np.split(ranks.rank, ranks.starts[1:])
            ],
            gallery={"image_to_text": len(texts), "text_to_image": len(images)},
            first=[
                *first_answers(images, texts, data.positives, data.texts, images=False),
                *first_answers(texts, images, of_texts, names, images=True),
            ],
        )


def _text_groups(data: CaptionedImages, names: list[str], groups: list[str | None]) -> list[str]:
    """The captions of one image are resampled together, and so are those of a group."""
    texts, first = np.unique(data.positives[:, 1], return_index=True)
    of_image = dict(zip(texts.tolist(), data.positives[first, 0].tolist(), strict=True))
    return [groups[of_image[t]] or names[of_image[t]] for t in range(len(data.texts))]
