"""Streams: every order is seen from its beginning, nothing of later images is, and what orders change is measured."""

import numpy as np
import pytest

from workbench.errors import RecipeError
from workbench.plugin import ClassificationRecipe, Features, OnlinePredictor, TransductivePredictor
from workbench.tasks.classification.inference import check_inference
from workbench.tasks.classification.online import ORDERS, stream_orders, stream_scores
from workbench.tasks.classification.predictions import ClassPredictions
from workbench.tasks.classification.task import Classification
from workbench.testing import feature_images, planted_task


class Counter(OnlinePredictor):
    """Scores an image with how many came before it."""

    def __init__(self, batch_size=1):
        self.batch_size, self.seen = batch_size, []

    def start(self):
        self.seen = []

    def step(self, images):
        numbers = images.features.projected[:, 0]
        before = len(self.seen) + np.arange(len(numbers))
        self.seen += numbers.tolist()
        return np.stack([before, numbers], axis=1)


class Together(TransductivePredictor):
    def scores(self, images):
        return images.features.projected


def numbered(n):
    x = np.arange(n, dtype=np.float32)[:, None]
    return feature_images(Features(x, x))


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_a_stream_comes_in_its_order_and_scores_go_back_to_their_images(batch_size):
    predictor, order = Counter(batch_size), np.array([3, 0, 6, 2, 1, 5, 4])
    for _ in range(2):  # The second stream begins anew.
        scores = stream_scores(predictor, numbered(7), order)
        np.testing.assert_array_equal(scores[:, 1], np.arange(7))
        np.testing.assert_array_equal(scores[order, 0], np.arange(7))
    assert predictor.seen == order.tolist()


def test_orders_are_three_different_permutations_and_always_the_same():
    orders = stream_orders(20)
    assert len(orders) == ORDERS == 3
    assert all(sorted(order.tolist()) == list(range(20)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 3
    assert all(map(np.array_equal, orders, stream_orders(20)))


def test_a_step_whose_scores_do_not_fit_is_refused():
    class Odd(Counter):
        def step(self, images):
            return np.zeros((len(images) + 1, 2))

    with pytest.raises(RecipeError, match=r"Odd.step gave scores of shape \(2, 2\), expected \(1, classes\)"):
        stream_scores(Odd(), numbered(3), np.arange(3))


def predictions(*orders):
    scores = [np.asarray(own, np.float32) for own in orders]
    return ClassPredictions(
        list("abcd"), [None] * 4, np.array([0, 0, 1, 1]), scores[0], ("x", "y"), other_orders=tuple(scores[1:])
    )


RIGHT = [[2, 0], [2, 0], [0, 2], [0, 2]]
ONE_WRONG = [[0, 2], [2, 0], [0, 2], [0, 2]]


def test_what_orders_change_is_measured():
    stable = predictions(RIGHT, RIGHT, RIGHT).stability()
    assert (stable["order_accuracy_range"], stable["order_class_changes"]) == (0, 0)
    moved = predictions(RIGHT, ONE_WRONG, RIGHT).stability()
    assert moved["order_accuracy_range"] == pytest.approx(0.25)
    assert moved["order_accuracy_mean"] == pytest.approx(11 / 12)
    assert moved["order_class_changes"] == pytest.approx(0.25)
    assert moved["order_ece_mean"] > 0
    assert predictions(RIGHT).stability() == {}


def test_the_orders_are_kept_in_the_file_and_follow_the_classes(tmp_path):
    own = predictions(RIGHT, ONE_WRONG, RIGHT)
    own.write(tmp_path / "predictions.parquet")
    again = ClassPredictions.read(tmp_path / "predictions.parquet")
    assert again.stability() == own.stability()
    turned = again.matched(ClassPredictions([], [], None, np.empty((0, 2), np.float32), ("y", "x")))
    assert turned.stability() == own.stability()
    np.testing.assert_array_equal(turned.other_orders[0], np.array(ONE_WRONG)[:, ::-1])


@pytest.mark.parametrize(
    ("said", "predictor", "given"),
    [("inductive", Counter(), "online"), ("online", Together(), "transductive"), ("transductive", Counter(), "online")],
)
def test_a_recipe_that_says_another_inference_than_its_predictors_is_refused(said, predictor, given):
    class Own(ClassificationRecipe):
        inference = said

        def fit(self, task):
            return predictor

    task, _ = planted_task()
    words = f"says that its inference is '{said}'.*returned a {type(predictor).__name__}, whose inference is '{given}'"
    with pytest.raises(RecipeError, match=words):
        check_inference(Own(None), Own(None).fit(task))


def test_for_a_folder_the_stream_is_in_the_folders_order():
    predictor = Counter()
    answers = Classification.answer(predictor, numbered(3), {"class_names": ["a", "b"], "multi_label": False}, 1)
    assert predictor.seen == [0, 1, 2]
    assert len(answers) == 3
