"""Linear heads on planted pairs."""

import numpy as np
import pytest

from adapters.linear_head import HeadClassifier, LinearHead, LinearHeadConfig
from adapters.zero_shot import ZeroShot, ZeroShotConfig
from workbench.errors import RecipeError
from workbench.images import Features
from workbench.tasks import CaptionedImages, Choices, ClassificationTask, LinearDualEncoder, MatchingTask, RetrievalTask
from workbench.testing import PlantedModel, feature_images, planted_task

N, D = 24, 16
NAMES = [f"text-{chr(97 + i)}" for i in range(N)]


@pytest.fixture
def planted():
    """Images that belong to texts by an unknown rotation; also a function that makes more of them."""
    rng = np.random.default_rng(0)
    prototypes = rng.normal(size=(N, D)).astype(np.float32)
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0].astype(np.float32)
    model = PlantedModel(NAMES, prototypes)

    def images(which, each, seed):
        own = np.random.default_rng(seed)
        text = np.repeat(np.arange(len(which)), each)
        x = (prototypes[which][text] @ turn + 0.1 * own.normal(size=(len(text), D)) + 3).astype(np.float32)
        pairs = np.column_stack([np.arange(len(text)), text])
        return CaptionedImages(feature_images(Features(x, x.copy())), tuple(NAMES[i] for i in which), pairs)

    def task(train=range(N), val=range(N)):
        parts = {"train": images(list(train), 6, 1), "val": images(list(val), 2, 2)}
        return RetrievalTask(dataset="x", model=model, shots=None, seed=0, device="cpu", **parts)

    return task, images


def recall(predictor, data):
    x, y = predictor.embed_images(data.images), predictor.embed_texts(data.texts)
    x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
    return ((x @ y.T).argmax(axis=1) == data.positives[:, 1]).mean()


@pytest.mark.parametrize("settings", [{}, {"loss": "sigmoid"}, {"rank": 12}, {"adapt": "image"}, {"adapt": "text"}])
def test_it_finds_the_rotation(planted, settings):
    make, images = planted
    task = make()
    test = images(list(range(N)), 3, 3)
    head = LinearHead(LinearHeadConfig(epochs=40, learning_rates=(3e-2,), batch_size=48, **settings)).fit_image_text(
        task
    )
    assert recall(ZeroShot(ZeroShotConfig()).fit_image_text(task), test) < 0.3
    assert recall(head, test) > 0.8


def test_it_serves_texts_that_training_did_not_have(planted):
    make, images = planted
    head = LinearHead(LinearHeadConfig(epochs=40, learning_rates=(3e-2,), batch_size=32)).fit_image_text(
        make(range(16), range(16, 20))
    )
    assert recall(head, images([20, 21, 22, 23], 5, 3)) > 0.6


def test_the_map_of_raw_rows_is_that_of_centred_ones(planted, tmp_path):
    make, _ = planted
    task = make()
    head = LinearHead(LinearHeadConfig(epochs=3, learning_rates=(1e-2,))).fit_image_text(task)
    # Validation measured the training's own form; the saved maps must give the same.
    from workbench.training import joint_objective

    quality = joint_objective(task.val, "contrastive").quality(
        head.embed_images(task.val.images), head.embed_texts(task.val.texts), head.scale, head.bias
    )
    best = max(trial["val_map"] for trial in head.report.trials)
    assert quality.measures["val_map"] == pytest.approx(best, abs=1e-6)
    head.save(tmp_path)
    again = LinearDualEncoder.restore(tmp_path, task.model)
    np.testing.assert_array_equal(again.embed_images(task.val.images), head.embed_images(task.val.images))
    np.testing.assert_array_equal(again.embed_texts(NAMES), head.embed_texts(NAMES))
    assert (again.scale, again.bias) == (head.scale, head.bias)


def test_classification_takes_classes_that_training_did_not_have(tmp_path):
    task, test = planted_task(n_classes=6, text_noise=0.2)
    seen = np.flatnonzero(task.train.labels < 5)
    few = ClassificationTask(**{**vars(task), "train": task.train.subset(seen)})
    head = LinearHead(LinearHeadConfig(epochs=5)).fit(few)
    scores = head.scores(test.images)
    assert scores.shape == (len(test), 6)
    assert (scores.argmax(axis=1) == test.labels).mean() > 0.8
    head.save(tmp_path)
    np.testing.assert_array_equal(HeadClassifier.restore(tmp_path, task.model).scores(test.images), scores)


def test_statements_get_a_threshold(planted):
    make, _ = planted
    task = make()

    def statements(data):
        rng = np.random.default_rng(0)
        text = np.where(rng.random(len(data)) < 0.5, data.positives[:, 1], rng.integers(0, N, len(data)))
        pairs = np.column_stack([np.arange(len(data)), text])
        right = text == data.positives[:, 1]
        return Choices(data.images, data.texts, pairs, np.arange(len(data)), right, ("",) * len(data))

    given = {key: getattr(task, key) for key in ("dataset", "model", "shots", "seed", "device")}
    matching = MatchingTask(**given, form="statement", train=statements(task.train), val=statements(task.val))
    for recipe in (
        ZeroShot(ZeroShotConfig()),
        LinearHead(LinearHeadConfig(epochs=40, learning_rates=(3e-2,), batch_size=48)),
    ):
        fitted = recipe.fit_image_text(matching)
        x, y = fitted.embed_images(matching.val.images), fitted.embed_texts(matching.val.texts)
        x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
        cosines = (x[matching.val.pairs[:, 0]] * y[matching.val.pairs[:, 1]]).sum(axis=1)
        says = fitted.scale * cosines + fitted.bias >= 0
        share = max(matching.val.is_correct.mean(), 1 - matching.val.is_correct.mean())
        assert (says == matching.val.is_correct).mean() >= share - 1e-9


def test_no_training_image_is_said(planted):
    make, images = planted
    task = make()
    empty = images([], 1, 0)
    with pytest.raises(RecipeError, match="no training images"):
        LinearHead(LinearHeadConfig()).fit_image_text(RetrievalTask(**{**vars(task), "train": empty}))


def without_texts(data):
    return CaptionedImages(data.images, (), data.positives[:0])


def test_images_without_texts_are_no_validation(planted):
    make, _ = planted
    task = make()
    head = LinearHead(LinearHeadConfig(epochs=2)).fit_image_text(
        RetrievalTask(**{**vars(task), "val": without_texts(task.val)})
    )
    assert head.report.chosen["epoch"] == 2
    assert "No validation image has a text" in head.report.notes[0]


def test_training_images_without_texts_are_said(planted):
    make, _ = planted
    task = make()
    bare = RetrievalTask(**{**vars(task), "train": without_texts(task.train)})
    with pytest.raises(RecipeError, match="linear-head: no training image has a text"):
        LinearHead(LinearHeadConfig()).fit_image_text(bare)


@pytest.mark.parametrize("loss", ["contrastive", "sigmoid"])
def test_batches_may_have_no_text(planted, loss):
    make, _ = planted
    task = make()
    few = CaptionedImages(task.train.images, task.train.texts[:1], task.train.positives[:2])
    head = LinearHead(LinearHeadConfig(epochs=2, batch_size=16, loss=loss)).fit_image_text(
        RetrievalTask(**{**vars(task), "train": few})
    )
    assert np.isfinite(head.embed_texts(NAMES)).all()
    assert np.isfinite(head.report.history["train_loss"]).all()


def test_a_margin_takes_the_favour_from_seen_classes():
    task, test = planted_task(n_classes=12, text_noise=0.5, noise=1.0, seed=1)
    seen = np.flatnonzero(task.train.labels < 9)
    seen_val = np.flatnonzero(task.val.labels < 9)
    given = {**vars(task), "train": task.train.subset(seen), "val": task.val.subset(seen_val)}
    few = ClassificationTask(**given)
    unseen = test.labels >= 9

    def accuracies(calibrate):
        head = LinearHead(LinearHeadConfig(epochs=10, features="pooled", calibrate=calibrate)).fit(few)
        hits = head.scores(test.images).argmax(axis=1) == test.labels
        return head, hits[~unseen].mean(), hits[unseen].mean()

    plain, _, before = accuracies(False)
    head, seen_accuracy, after = accuracies(True)
    assert len(set(plain.bias)) == 1
    assert head.bias[:9].max() <= head.bias[9:].min()
    assert after > before
    assert seen_accuracy > 0.3
    assert head.report.chosen["seen_margin"] > 0
