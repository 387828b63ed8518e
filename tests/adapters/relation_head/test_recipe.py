"""The recipe learns what no product of two embeddings can say."""

import dataclasses

import numpy as np
import pytest

from adapters.linear_head import LinearHead, LinearHeadConfig
from adapters.relation_head import RelationHead, RelationHeadConfig
from workbench.metrics.functional import picks_right
from workbench.plugin import Candidates, RecipeError
from workbench.tasks import GroundingTask, MatchingTask
from workbench.training import joint_objective

SETTINGS = {
    "tiles": 2, "rank": 8, "words": 2, "scales": (3.0,), "image_dropout": 0.1, "text_dropout": 0.0, "epochs": 15,
    "learning_rate": 2e-2, "batch_size": 32,
}  # fmt: skip


def head(**changes):
    return RelationHead(RelationHeadConfig(**{**SETTINGS, **changes}))


def accuracy(scorer, data):
    return picks_right(scorer.scores(data.candidates), data.is_correct, data.starts).mean()


def test_matching_by_phrases_tells_who_is_left_of_whom(matching):
    scorer = head().fit_image_text(matching)
    assert accuracy(scorer, matching.val) > 0.9
    assert scorer.report.chosen["parse"] == "phrases"
    by_parse = {trial["parse"]: trial["val_accuracy"] for trial in scorer.report.trials}
    # The two sentences have one embedding, and a tie is wrong.
    assert by_parse["sentence"] == 0


def test_a_linear_head_cannot(matching):
    fitted = LinearHead(LinearHeadConfig(epochs=5)).fit_image_text(matching)
    quality = joint_objective(matching.val, "contrastive").quality(
        fitted.embed_images(matching.val.images), fitted.embed_texts(matching.val.texts), fitted.scale, fitted.bias
    )
    assert quality.measures["val_accuracy"] == 0


def test_grounding_by_relation(grounding):
    scorer = head().fit_image_text(grounding)
    # The thing itself is one of three candidates, so that knowing cups gives a half.
    assert accuracy(scorer, grounding.val) > 0.9


def test_an_item_does_not_depend_on_the_others(matching, grounding):
    for task in (matching, grounding):
        scorer = head(epochs=2, parse="phrases").fit_image_text(task)
        asked = task.val.candidates
        together = scorer.scores(asked)
        for item in (0, 7):
            own = np.flatnonzero(asked.item == item)
            images = np.unique(asked.pairs[own, 0])
            texts, text = np.unique(asked.pairs[own, 1], return_inverse=True)
            alone = Candidates(
                asked.images.subset(images),
                tuple(asked.texts[t] for t in texts),
                np.column_stack([np.searchsorted(images, asked.pairs[own, 0]), text]),
                np.zeros(len(own), dtype=np.int64),
            )
            np.testing.assert_allclose(scorer.scores(alone), together[own], atol=1e-4)


def test_what_is_restored_scores_alike(matching, grounding, tmp_path):
    for number, task in enumerate((matching, grounding)):
        place = tmp_path / str(number)
        place.mkdir()
        scorer = head(epochs=2).fit_image_text(task)
        scorer.save(place)
        again = RelationHead.restore_image_text(place, task.model, "cpu")
        np.testing.assert_array_equal(again.scores(task.val.candidates), scorer.scores(task.val.candidates))
        assert again.scale == scorer.scale


def test_statements(matching):
    """Each sentence by itself is true or false; 0 divides them."""

    def statements(data):
        count = len(data.pairs)
        return dataclasses.replace(data, item=np.arange(count), categories=("",) * count)

    task = dataclasses.replace(
        matching, form="statement", train=statements(matching.train), val=statements(matching.val)
    )
    scorer = head(parse="phrases", epochs=25).fit_image_text(task)
    scores = scorer.scores(task.val.candidates)
    assert scorer.report.chosen["parse"] == "phrases"
    assert ((scores >= 0) == task.val.is_correct).mean() > 0.85


def test_without_validation_the_first_choice_and_the_last_epoch_are_kept(grounding):
    empty = dataclasses.replace(
        grounding.val,
        pairs=np.empty((0, 2), np.int64),
        item=np.empty(0, np.int64),
        is_correct=np.empty(0, bool),
        categories=(),
    )
    scorer = head(epochs=2).fit_image_text(dataclasses.replace(grounding, val=empty, refit=True))
    assert scorer.report.chosen == {"parse": "phrases", "initial_scale": 3.0, "epoch": 2}
    assert len(scorer.report.notes) == 2


def test_what_it_does_not_do(grounding):
    with pytest.raises(RecipeError, match="does not do"):
        head().fit_image_text(object())
    none = dataclasses.replace(grounding.train, categories=())
    with pytest.raises(RecipeError, match="no training items"):
        head().fit_image_text(dataclasses.replace(grounding, train=none))
    assert head().tiles(MatchingTask) == 2
    assert head().tiles(GroundingTask) == 0
