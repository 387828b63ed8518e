"""ZERO: votes as the paper counts them, of views that depend on the picture alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from adapters._unlabelled.views import Views, features_of
from adapters.zero import Zero, votes_of
from tests.adapters.without_labels import fitted
from workbench.plugin import Compute, ImageSet

CPU = Compute("cpu", "fp32")


def published(logits, kept):
    """Counts of the surest views' classes, and the class that wins; ties go on to the next surest view."""
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    order = np.argsort(-(p * np.log(p)).sum(axis=1), kind="stable")
    count = int(len(logits) * kept)
    said = [int(logits[i].argmax()) for i in order]
    votes = np.array([said[:count].count(c) for c in range(logits.shape[1])])
    tied = np.flatnonzero(votes == votes.max())
    winner = tied[0] if len(tied) == 1 else next(c for c in said[count:] if c in tied)
    return votes, winner


@pytest.mark.parametrize("seed", range(6))
def test_votes_are_those_of_the_paper(seed):
    logits = np.random.default_rng(seed).normal(0, 2, (64, 4)).astype(np.float32)
    for kept in (0.1, 0.3):
        expected, winner = published(logits.astype(float), kept)
        votes = votes_of(logits, kept)
        np.testing.assert_allclose(votes, expected, atol=2e-3)
        assert votes.argmax() == winner


def test_a_tie_goes_to_the_class_of_the_next_surest_view():
    logits = np.array([[9, 0, 0], [0, 8, 0], [0, 0, 7], [0, 6, 0], [5, 0, 0]], np.float32)
    votes = votes_of(logits, 0.4)  # Two views vote, for classes 0 and 1; the next that is of one of them says 1.
    np.testing.assert_allclose(votes, [1, 1, 0], atol=2e-3)
    assert votes.argmax() == 1


def test_scores_are_shares_of_the_votes_of_the_networks_views(model, colour_task):
    network = model("vit")
    task, test = colour_task(network)
    predictor = fitted(Zero, task, views=8, kept=0.5)
    some = test.images.subset([0, 9, 20])
    loaded = network.load()
    text = predictor.arrays["text"]
    for i, scores in enumerate(predictor.scores(some)):
        pixels = Views(loaded, CPU, 8, task.seed)(some.decode(i))
        x = features_of(pixels, loaded, CPU).numpy()
        expected, winner = published(predictor.scale * (x @ text.T).astype(float), 0.5)
        share = 0.999 * expected / expected.sum() + 0.001 / 3
        np.testing.assert_allclose(np.exp(scores), share, atol=1e-3)
        assert scores.argmax() == winner


def test_the_first_view_is_that_of_the_evaluation_and_others_differ(model, colour_task):
    loaded = model("vit").load()
    picture = colour_task(model("vit"))[1].images.decode(0)
    views = Views(loaded, CPU, 5, 0)(picture)
    assert views.shape == (5, 3, *loaded.image_size)
    torch.testing.assert_close(views[0], loaded.preprocess(picture))
    assert len({view.numpy().tobytes() for view in views}) == 5
    torch.testing.assert_close(Views(loaded, CPU, 5, 0)(picture), views)
    assert not torch.equal(Views(loaded, CPU, 5, 1)(picture)[1:], views[1:])


def test_an_answer_depends_on_no_other_image(model, colour_task, tmp_path):
    task, test = colour_task(model("vit"))
    predictor = fitted(Zero, task, views=6, kept=0.5)
    rows = [17, 3, 11]
    whole = predictor.scores(test.images.subset(rows))
    alone = np.concatenate([predictor.scores(test.images.subset([row])) for row in rows])
    np.testing.assert_array_equal(alone, whole)
    predictor.save(tmp_path)
    again = Zero.restore(tmp_path, task.model, "cpu")
    np.testing.assert_array_equal(again.scores(test.images.subset(rows)), whole)
    assert isinstance(test.images.subset(rows), ImageSet)


def test_tall_and_tiny_pictures_have_views(model):
    loaded = model("vit").load()
    for size in ((3, 400), (1, 1), (900, 700)):
        assert Views(loaded, CPU, 4, 0)(Image.new("RGB", size, (10, 200, 30))).shape == (4, 3, 32, 32)
