"""The task: describe an image in a sentence."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.datasets.card import DatasetCard
from workbench.errors import RecipeError
from workbench.metrics.captions_clip import PROMPT, clip_scores, ref_clip_scores
from workbench.recipes import Fitted, RunSpec
from workbench.tasks.captioning.captioner import Captioner
from workbench.tasks.captioning.card import CaptioningCard
from workbench.tasks.captioning.given import CaptioningTask
from workbench.tasks.captioning.predictions import CaptionPredictions
from workbench.tasks.image_text.captions import require_captions
from workbench.tasks.image_text.given import ImageTextTask
from workbench.tasks.image_text.task import ImageText
from workbench.tasks.predictions import Predictions
from workbench.tasks.task import Answer

if TYPE_CHECKING:
    from workbench.arrays import FloatArray, IntArray
    from workbench.images import ImageSet
    from workbench.tasks.split_rows import SplitRows


class Captioning(ImageText):
    """See the module."""

    Card: ClassVar[type[DatasetCard]] = CaptioningCard
    Given: ClassVar[type[ImageTextTask]] = CaptioningTask
    Result: ClassVar[type[Predictions]] = CaptionPredictions
    answers: ClassVar[bool] = True
    answers_boxes: ClassVar[bool] = False
    items: ClassVar[str] = "images with one caption each in captioning"
    in_tables: ClassVar[tuple[str, ...]] = ("bleu_4", "rouge_l", "clip_score")

    def given(self, spec: RunSpec, rows: "SplitRows", *, refit: bool) -> CaptioningTask:
        """See `DatasetTask.given`."""
        train, val = (self.captioned(part, unseen=rows.labels_only) for part in (rows.train, rows.val))
        return CaptioningTask(**self.common_fields(spec, refit=refit), train=train, val=val)

    def predict(self, predictor: Fitted, rows: "IntArray", recipe: str) -> CaptionPredictions:
        """Let a captioner describe the test images, without their captions, and the run's model score them.

        CLIPScore and RefCLIPScore are by the run's own model: a recipe that chooses captions by them is judged by
        itself.
        """
        if not isinstance(predictor, Captioner):
            raise RecipeError(f"recipe {recipe!r} gave a {type(predictor).__name__}, expected a Captioner.")
        dataset = self.data.dataset
        require_captions(dataset, rows, CaptioningCard.aim)
        image_captions = dataset.captions(rows)
        captioned: IntArray = rows[[i for i, texts in enumerate(image_captions) if texts]]
        references = dataset.captions(captioned)
        images = self.data.images(captioned)
        captions = predictor.captions(images)
        if len(captions) != len(captioned) or not all(isinstance(text, str) for text in captions):
            raise RecipeError(
                f"recipe {recipe!r} gave {len(captions)} captions, expected a text for each of {len(images)}."
            )
        prompt = PROMPT if dataset.card.language == "en" else ""
        features = images.features.projected
        texts, reference_features = (
            self._embedded(sentences, prompt) for sentences in ([[text] for text in captions], references)
        )
        caption_features = np.concatenate(texts)
        return CaptionPredictions(
            ids=dataset.ids(captioned),
            groups=dataset.group_names(captioned),
            captions=captions,
            references=references,
            clip_scores=clip_scores(features, caption_features),
            ref_clip_scores=ref_clip_scores(features, caption_features, reference_features),
        )

    def _embedded(self, texts: Sequence[Sequence[str]], prompt: str) -> list["FloatArray"]:
        embedded = self.data.model.encode_texts([prompt + text for text in chain.from_iterable(texts)])
        return np.split(embedded, np.cumsum([len(image_texts) for image_texts in texts])[:-1])

    @classmethod
    def answer(
        cls, predictor: Fitted, images: "ImageSet", config: Mapping[str, Any], top: int  # noqa: ARG003
    ) -> list[Answer]:  # fmt: skip
        """A caption for each image."""
        if not isinstance(predictor, Captioner):
            raise RecipeError(f"a {type(predictor).__name__} answers for no image.")
        return [{"caption": caption} for caption in predictor.captions(images)]
