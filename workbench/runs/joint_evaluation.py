"""What a fitted dual encoder says about the test split of retrieval, matching or grounding."""

import numpy as np

from workbench.arrays import FloatArray, IntArray, normalise
from workbench.datasets.captions import require_captions
from workbench.datasets.items import matching_form
from workbench.errors import DataError, RecipeError
from workbench.metrics import functional as F
from workbench.recipes import DualEncoderPredictor, PairScorer
from workbench.runs.joint_bench import JointBench
from workbench.runs.predictions import JointPredictions, RankedQueries, ScoredChoices
from workbench.tasks import Candidates, CaptionedImages, ImageSet

_ORDER = 20_260  # Seeds the orders in which candidates are shown.


def predict_joint(
    predictor: DualEncoderPredictor | PairScorer, bench: JointBench, rows: IntArray, recipe: str
) -> JointPredictions:
    """Embed the test images and texts, which say nothing of each other, and rank or score from the products.

    A `PairScorer` is given candidates instead, in random orders, and not told which are right.

    Args:
        predictor: Fitted on the train and validation rows.
        bench: Dataset and model.
        rows: The readable test rows.
        recipe: Named in errors.

    Raises:
        RecipeError: An embedding is missing, not finite, or of another width than the rest; likewise scores. Or the
            recipe embeds nothing, and retrieval is asked for.
        DataError: The test split has nothing to ask.
    """
    if bench.dataset.card.task == "retrieval":
        if isinstance(predictor, PairScorer):
            raise RecipeError(f"recipe {recipe!r} scores pairs, and retrieval ranks embeddings.")
        return _retrieval(predictor, bench, rows, recipe)
    return _choices(predictor, bench, rows, recipe)


def _retrieval(predictor: DualEncoderPredictor, bench: JointBench, rows: IntArray, recipe: str) -> RankedQueries:
    require_captions(bench.dataset, rows)
    data = bench.captioned(rows)
    images, texts = _embedded(predictor, data.images, data.texts, recipe)
    names = bench.dataset.ids(rows)
    image_groups = bench.dataset.group_names(rows)
    text_groups = _text_groups(data, names, image_groups)
    there = F.rank_positives(images, texts, data.positives)
    back = F.rank_positives(texts, images, data.positives[:, ::-1])
    return RankedQueries(
        direction=[*["image_to_text"] * len(there.queries), *["text_to_image"] * len(back.queries)],
        ids=[*(names[q] for q in there.queries), *(data.texts[q] for q in back.queries)],
        groups=[*(image_groups[q] for q in there.queries), *(text_groups[q] for q in back.queries)],
        ranks=[own.tolist() for ranks in (there, back) for own in np.split(ranks.rank, ranks.starts[1:])],
        gallery={"image_to_text": len(texts), "text_to_image": len(images)},
    )


def _text_groups(data: CaptionedImages, names: list[str], groups: list[str | None]) -> list[str]:
    """The captions of one image are resampled together, and so are those of a group."""
    texts, first = np.unique(data.positives[:, 1], return_index=True)
    of_image = dict(zip(texts.tolist(), data.positives[first, 0].tolist(), strict=True))
    return [groups[of_image[t]] or names[of_image[t]] for t in range(len(data.texts))]


def _choices(
    predictor: DualEncoderPredictor | PairScorer, bench: JointBench, rows: IntArray, recipe: str
) -> ScoredChoices:
    data, names = bench.choices(rows)
    if not len(data):
        raise DataError(f"dataset {bench.dataset.name!r}: no test image has anything to choose from.")
    scores = _scores(predictor, data.candidates, recipe)
    cuts = data.starts[1:]
    grounding = bench.dataset.card.task == "grounding"
    return ScoredChoices(
        task=bench.dataset.card.task,
        form="choice" if grounding else matching_form(bench.dataset),
        ids=names.ids,
        images=names.images,
        texts=names.texts,
        groups=names.groups,
        kinds=data.kinds,
        scores=np.split(scores, cuts),
        right=np.split(data.right, cuts),
    )


def _scores(predictor: DualEncoderPredictor | PairScorer, asked: Candidates, recipe: str) -> FloatArray:
    if isinstance(predictor, PairScorer):
        # Cards name the right text first.
        shown, order = asked.shuffled(_ORDER)
        scores = np.asarray(predictor.scores(shown), dtype=np.float32)
        if scores.shape != (len(order),):
            raise RecipeError(
                f"recipe {recipe!r} gave scores of shape {scores.shape}, expected ({len(order)},): candidates."
            )
        if not np.isfinite(scores).all():
            raise RecipeError(f"recipe {recipe!r} gave scores that are not finite.")
        back = np.empty_like(scores)
        back[order] = scores
        return back
    images, texts = _embedded(predictor, asked.images, asked.texts, recipe)
    cosines = np.einsum("pd,pd->p", images[asked.pairs[:, 0]], texts[asked.pairs[:, 1]])
    return np.asarray(predictor.scale * cosines + predictor.bias, dtype=np.float32)


def _embedded(
    predictor: DualEncoderPredictor, images: ImageSet, texts: tuple[str, ...], recipe: str
) -> tuple[FloatArray, FloatArray]:
    found: list[FloatArray] = []
    for what, embedded, count in (
        ("images", predictor.embed_images(images), len(images)),
        ("texts", predictor.embed_texts(texts), len(texts)),
    ):
        array = np.asarray(embedded, dtype=np.float32)
        if array.ndim != 2 or len(array) != count or (found and array.shape[1] != found[0].shape[1]):
            width = found[0].shape[1] if found else "d"
            raise RecipeError(
                f"recipe {recipe!r} gave {what} embeddings of shape {array.shape}, expected ({count}, {width})."
            )
        if not np.isfinite(array).all():
            raise RecipeError(f"recipe {recipe!r} gave {what} embeddings that are not finite.")
        found.append(normalise(array))
    return found[0], found[1]
