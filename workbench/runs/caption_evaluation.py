"""What a captioner says of the test images, and how good that is."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from workbench.arrays import FloatArray, IntArray
from workbench.datasets.captions import require_captions
from workbench.errors import RecipeError
from workbench.metrics.captions_clip import PROMPT, clip_scores, ref_clip_scores
from workbench.recipes.captioner import Captioner
from workbench.runs.bench import Bench
from workbench.runs.predictions import WrittenCaptions


def predict_captions(captioner: Captioner, bench: Bench, rows: IntArray, recipe: str) -> WrittenCaptions:
    """Let a captioner describe the test images, without their captions, and the model look at what it wrote.

    CLIPScore and RefCLIPScore are the run's own model's: a recipe that chooses captions by them is judged by itself.

    Args:
        captioner: Fitted on the train and validation rows.
        bench: Dataset and model.
        rows: Readable test rows.
        recipe: Named in errors.

    Raises:
        RecipeError: There is not one caption for each image.
        DataError: No test image has a caption to compare with.
    """
    dataset = bench.dataset
    require_captions(dataset, rows)
    own = dataset.captions(rows)
    captioned: IntArray = rows[[i for i, texts in enumerate(own) if texts]]
    references = dataset.captions(captioned)
    images = bench.images(captioned)
    captions = captioner.captions(images)
    if len(captions) != len(captioned) or not all(isinstance(text, str) for text in captions):
        raise RecipeError(
            f"recipe {recipe!r} gave {len(captions)} captions, expected a text for each of {len(images)}."
        )
    prompt = PROMPT if dataset.card.language == "en" else ""
    features = images.features.projected
    texts, others = (_embedded(bench, found, prompt) for found in ([[text] for text in captions], references))
    alone = np.concatenate(texts)
    return WrittenCaptions(
        ids=dataset.ids(captioned),
        groups=dataset.group_names(captioned),
        captions=captions,
        references=references,
        clip_scores=clip_scores(features, alone),
        ref_clip_scores=ref_clip_scores(features, alone, others),
    )


def _embedded(bench: Bench, texts: Sequence[Sequence[str]], prompt: str) -> list[FloatArray]:
    embedded = bench.model.encode_texts([prompt + text for text in chain.from_iterable(texts)])
    return np.split(embedded, np.cumsum([len(own) for own in texts])[:-1])
