"""Zero-shot of several labels an image: pairs of present and absent, and a threshold for each label."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import matthews_corrcoef, roc_auc_score

from adapters._thresholds import label_thresholds
from adapters.zero_shot import ZeroShot
from workbench.plugin import ClassificationTask, ClassPrompts, Features
from workbench.tasks.classification.given import LabelledImages
from workbench.testing import PlantedModel, feature_images

NAMES = ("edema", "effusion", "nodule")
SHARES = (0.5, 0.3, 0.1)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


class Findings(PlantedModel):
    """A model whose texts lie on the side of their finding, or on the other one where they say "no"."""

    logit_scale = 100.0

    def __init__(self, directions, common):
        super().__init__(NAMES, directions)
        self.directions, self.common = directions, common

    def encode_texts(self, texts):
        rows = []
        for text in texts:
            (k,) = [k for k, name in enumerate(NAMES) if name in text]
            sign = -1 if "no " in text else 1
            rows.append(3 * (self.common + sign * 0.3 * self.directions[k] + 0.02 * len(text) * self.directions[0]))
        return np.array(rows, dtype=np.float32)


@pytest.fixture
def task():
    """A task without shots, and its test images."""
    rng = np.random.default_rng(0)
    dim = 24
    directions, common = unit(rng.normal(size=(3, dim))), 2 * unit(rng.normal(size=dim))

    def images(n):
        has = rng.random((n, 3)) < SHARES
        x = common + (has - 0.5) @ directions + 0.25 * rng.normal(size=(n, dim))
        features = np.asarray(x, dtype=np.float32)
        return LabelledImages(feature_images(Features(features, features.copy())), has)

    prompts = ClassPrompts(NAMES, ("{}", "an image of {}"), negative_templates=("no {}", "an image with no {}"))
    given = ClassificationTask(
        dataset="chest", class_names=NAMES, prompts=prompts, train=images(0), val=images(120),
        model=Findings(directions, common), multi_label=True, shots=0, seed=0, device="cpu",
    )  # fmt: skip
    return given, images(200)


def fit(task, **settings):
    return ZeroShot(ZeroShot.Config(**settings)).fit(task)


def cosines(task, images, template_lists):
    """Images against the renormalised mean of each class's normalised sentences, (n, c), by hand."""
    x = unit(images.features.projected)
    columns = []
    for name in NAMES:
        embedded = unit(task.model.encode_texts([t.replace("{}", name) for t in template_lists]))
        columns.append(x @ unit(embedded.mean(axis=0)))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("prompts", ["single", "ensemble"])
def test_a_pair_is_softmax_over_present_and_absent(task, prompts):
    given, test = task
    count = 1 if prompts == "single" else 2
    present = cosines(given, test.images, given.prompts.templates[:count])
    absent = cosines(given, test.images, given.prompts.negative_templates[:count])
    expected = softmax(100 * np.stack([present, absent]), axis=0)[0]
    scores = fit(given, prompts=prompts, thresholds="none").scores(test.images)
    np.testing.assert_allclose(expit(scores), expected, atol=1e-4)


@pytest.mark.parametrize("paired", [True, False], ids=["pairs", "names alone"])
def test_thresholds_are_the_best_on_validation_and_rank_as_before(task, paired):
    given, test = task
    if not paired:
        given = replace(given, prompts=replace(given.prompts, negative_templates=()))
    plain, chosen = fit(given, thresholds="none"), fit(given)
    on_val, after = plain.scores(given.val.images), chosen.scores(given.val.images)
    for k in range(3):
        truth = given.val.labels[:, k]
        best = max(matthews_corrcoef(truth, on_val[:, k] >= cut) for cut in on_val[:, k])
        assert matthews_corrcoef(truth, after[:, k] >= 0) == pytest.approx(best)
    before, scores = plain.scores(test.images), chosen.scores(test.images)
    for k in range(3):
        assert roc_auc_score(test.labels[:, k], scores[:, k]) == roc_auc_score(test.labels[:, k], before[:, k])
    assert matthews_corrcoef(test.labels.ravel(), scores.ravel() >= 0) > 0.5
    if not paired:
        assert (expit(before) > 0.9999).all(), "what a threshold is for"
        assert matthews_corrcoef(test.labels.ravel(), before.ravel() >= 0) == 0
    assert set(chosen.report.chosen) == {f"threshold_{name}" for name in NAMES}
    assert "chosen on 120 labelled validation images" in " ".join(chosen.report.notes)


def test_what_nothing_can_be_chosen_for(task):
    given, test = task
    labels = given.val.labels.astype(np.float32)
    labels[:, 2] = 0
    masked = replace(given, val=replace(given.val, labels=labels))
    paired = fit(masked)
    assert "Nothing could be chosen for 1 of them (nodule)" in " ".join(paired.report.notes)
    np.testing.assert_allclose(
        paired.scores(test.images)[:, 2], fit(given, thresholds="none").scores(test.images)[:, 2]
    )
    alone = fit(replace(masked, prompts=replace(masked.prompts, negative_templates=())))
    values = [alone.report.chosen[f"threshold_{name}"] for name in NAMES]
    assert values[2] == pytest.approx(np.median(values[:2]), abs=1e-3)
    none = fit(replace(given, val=given.val.subset(np.arange(0))))
    assert "no validation images to choose thresholds on" in " ".join(none.report.notes)
    assert np.isfinite(none.scores(test.images)).all()


def test_unknown_findings_choose_nothing():
    rng = np.random.default_rng(1)
    labels = (rng.random((60, 2)) < 0.4).astype(np.float64)
    scores = rng.normal(size=(60, 2)) + 2 * labels
    labels[:20], scores[:20] = np.nan, 10  # As false alarms they would count.
    found, undecided = label_thresholds(scores, labels, None)
    only, _ = label_thresholds(scores[20:], labels[20:] > 0, None)
    np.testing.assert_array_equal(found, only)
    assert not undecided
    labels[:, 1] = np.nan
    found, undecided = label_thresholds(scores, labels, 0.25)
    assert (undecided, found[1]) == ([1], np.float32(0.25))
    assert label_thresholds(np.zeros((4, 1)), np.array([[1], [0], [1], [0]], bool), None) == (np.zeros(1), [0])


def test_one_label_an_image_is_as_before(task):
    given, test = task
    single = replace(given, multi_label=False, val=replace(given.val, labels=given.val.labels.argmax(axis=1)))
    expected = 100 * cosines(given, test.images, given.prompts.templates)
    np.testing.assert_allclose(fit(single).scores(test.images), expected, atol=1e-4)
