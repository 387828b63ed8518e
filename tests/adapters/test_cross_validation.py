"""Without a validation split, recipes on features choose within training, and fit all of it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from adapters._heads.few_shot import few_shots
from adapters.clap import Clap
from adapters.clip_adapter import ClipAdapter
from adapters.cross_modal_probe import CrossModalProbe
from adapters.gda import Gda
from adapters.knn import Knn
from adapters.linear_probe import LinearProbe
from adapters.linear_probe_text import LinearProbeText
from adapters.lp_plus_plus import LpPlusPlus
from adapters.nearest_class_mean import NearestClassMean
from adapters.prolip import Prolip
from adapters.task_res import TaskRes
from adapters.tip_adapter import TipAdapter
from adapters.tip_adapter_f import TipAdapterF
from workbench.plugin import normalise
from workbench.testing import one_hot, planted_task

RECIPES = [
    Clap, ClipAdapter, CrossModalProbe, Gda, Knn, LinearProbe, LinearProbeText, LpPlusPlus, NearestClassMean, Prolip,
    TaskRes, TipAdapter, TipAdapterF,
]  # fmt: skip


def fitted(factory, task, **settings):
    return factory(factory.Config(**settings)).fit(task)


def made(**settings):
    """A task whose validation images the workbench took from training, and test images."""
    task, test = planted_task(noise=1.5, **settings)
    return replace(task, val_made=True, shots=None), test


def joined(task):
    """The same with all labelled images in training."""
    parts = [task.train, task.val]
    images = [part.images.features for part in parts]
    features = replace(
        images[0], **{k: np.concatenate([getattr(f, k) for f in images]) for k in ("pooled", "projected")}
    )
    from workbench.testing import feature_images

    labels = np.concatenate([part.labels for part in parts])
    return replace(
        task, train=replace(task.train, images=feature_images(features), labels=labels), val=task.val.subset([])
    )


def test_scores_of_penalties_are_those_of_scikit_learn_fold_by_fold():
    task, _ = made(shots=6, val_shots=0)
    penalties = (1e-1, 1e-3, 1e-5)
    report = fitted(LinearProbe, task, features="projected", penalties=penalties, sweep_tolerance=1e-8).report
    (shot,) = few_shots([task], cross_validate=True)
    x, y = normalise(task.train.images.features.projected).astype(float), task.train.labels
    rows = {row.tobytes(): i for i, row in enumerate(x)}
    for trial in report.trials:
        p = np.empty((len(x), 5))
        for fold in shot.folds:
            fit, held = ([rows[row.tobytes()] for row in part.projected.numpy()] for part in (fold.train, fold.val))
            model = LogisticRegression(C=1 / (trial["penalty"] * len(fit)), tol=1e-10, max_iter=20000)
            p[held] = model.fit(x[fit], y[fit]).predict_proba(x[held])
        assert trial["cv_nll"] == pytest.approx(log_loss(y, p), rel=1e-3)
        assert trial["cv_accuracy"] == pytest.approx((p.argmax(1) == y).mean())


@pytest.mark.parametrize("factory", RECIPES)
def test_made_validation_images_are_fitted_and_what_was_done_is_recorded(factory):
    task, test = made(shots=8, val_shots=2)
    predictor = fitted(factory, task)
    report = predictor.report
    assert "5-fold cross-validation" in report.notes[0]
    assert f"all {len(task.train) + len(task.val)} images" in report.notes[0]
    best = min(trial["cv_nll"] for trial in report.trials)
    chosen = [t for t in report.trials if all(t[key] == value for key, value in report.chosen.items())]
    assert chosen[0]["cv_nll"] == pytest.approx(best, abs=1e-6)
    # The same images in training alone: the same folds, choice and fit.
    alone = fitted(factory, joined(task))
    assert alone.report.chosen == report.chosen
    np.testing.assert_allclose(alone.scores(test.images), predictor.scores(test.images), atol=1e-4)


@pytest.mark.parametrize("factory", [LinearProbe, TaskRes, TipAdapterF])
def test_accuracy_chooses_on_request(factory):
    task, _ = made(shots=8, val_shots=2)
    report = fitted(factory, task, selection="accuracy").report
    best = max(trial["cv_accuracy"] for trial in report.trials)
    chosen = [t for t in report.trials if all(t[key] == value for key, value in report.chosen.items())]
    assert chosen[0]["cv_accuracy"] == best
    assert "accuracy" in report.notes[0]


@pytest.mark.parametrize("factory", RECIPES)
def test_tasks_are_cross_validated_together_as_one_by_one(factory):
    tasks = [made(shots=s, val_shots=2, seed=seed)[0] for s, seed in ((4, 0), (4, 1), (7, 2))]
    tasks.append(planted_task(noise=1.5, shots=4, seed=3)[0])  # Has a validation split of its own.
    tasks.append(made(shots=1, val_shots=0, seed=4)[0])  # Nothing to choose on.
    _, test = made()
    recipe = factory(factory.Config())
    for task, together in zip(tasks, recipe.fit_many(tasks), strict=True):
        alone = recipe.fit(task)
        assert together.report.chosen == alone.report.chosen
        expected = alone.scores(test.images)
        np.testing.assert_allclose(
            together.scores(test.images), expected, rtol=0, atol=1e-5 * max(1.0, np.abs(expected).max())
        )


def test_a_split_on_request_and_a_split_of_the_cards_own_are_chosen_on_as_they_are():
    task, test = made(shots=8, val_shots=2)
    own = replace(task, val_made=False)
    given = fitted(LinearProbe, own)
    for predictor in (
        given,
        fitted(LinearProbe, own, validation="split"),
        fitted(LinearProbe, task, validation="split"),
    ):
        assert all("val_nll" in trial for trial in predictor.report.trials)
        np.testing.assert_array_equal(predictor.scores(test.images), given.scores(test.images))


def test_shots_are_the_budget_unless_a_refit_is_asked_for():
    task, test = made(shots=4, val_shots=4)
    few = replace(task, shots=4)
    without = fitted(LinearProbe, replace(few, val=few.val.subset([])))
    np.testing.assert_array_equal(fitted(LinearProbe, few).scores(test.images), without.scores(test.images))
    refit = fitted(LinearProbe, replace(few, refit=True))
    np.testing.assert_array_equal(refit.scores(test.images), fitted(LinearProbe, task).scores(test.images))


def test_the_number_of_steps_is_the_best_on_average_and_not_a_mean_of_bests():
    task, _ = made(shots=5, val_shots=0)
    report = fitted(TaskRes, task, learning_rates=(0.1,)).report
    (trial,) = report.trials
    steps = report.chosen["steps"]
    assert steps == trial["steps"]
    (shot,) = few_shots([task], cross_validate=True)
    recipe = TaskRes(TaskRes.Config(learning_rates=(0.1,)))

    def nll(number):
        import torch

        from adapters._heads.batches import batch_tasks
        from adapters._heads.choice import SearchGrid, quality

        total = 0.0
        for fold in shot.folds:
            batch = batch_tasks([fold], "projected")
            grid = SearchGrid.fixed([{"learning_rate": 0.1, "steps": number}], batch.text.device)
            with torch.no_grad():
                head = recipe.sweep(batch, grid).build(0, 0)
            logits = fold.val.projected @ torch.as_tensor(head.arrays["weight"]).double().T
            found = quality(logits[None, None], fold.val.target[None], torch.ones(1, len(fold.val)).double())
            total += float(found[1]) * len(fold.val)
        return total / len(shot.train)

    curve = {t: nll(t) for t in range(0, 61, 5)}
    assert trial["cv_nll"] == pytest.approx(curve[steps], abs=1e-4)
    assert curve[steps] == pytest.approx(min(curve.values()), abs=1e-5)


def test_groups_do_not_span_folds():
    task, _ = planted_task(shots=12, val_shots=0)
    groups = np.arange(len(task.train)) // 3
    grouped = replace(task, train=replace(task.train, groups=groups))
    (shot,) = few_shots([grouped], cross_validate=True)
    key = {row.tobytes(): g for row, g in zip(shot.train.projected.numpy(), groups, strict=True)}
    assert len(shot.folds) == 4
    for fold in shot.folds:
        fit, held = ({key[row.tobytes()] for row in part.projected.numpy()} for part in (fold.train, fold.val))
        assert not fit & held


def test_classes_of_a_made_split_are_held_out_and_it_is_fitted_then():
    task, test = planted_task(n_classes=12, shots=8, text_noise=0.5, noise=1.0, seed=1, unseen=3)
    task = replace(task, val_made=True, shots=None)
    predictor = fitted(LinearProbeText, task)
    assert "seen_margin" in predictor.report.chosen
    assert "made from training" in predictor.report.notes[0]
    refit = fitted(LinearProbeText, replace(task, val_made=False, refit=True))
    np.testing.assert_allclose(predictor.scores(test.images), refit.scores(test.images), atol=1e-5)


def test_several_labels_are_cross_validated():
    task, test = planted_task(n_classes=4, shots=10, val_shots=2)
    hot = {k: replace(getattr(task, k), labels=one_hot(getattr(task, k).labels, 4)) for k in ("train", "val")}
    predictor = fitted(LinearProbe, replace(task, multi_label=True, val_made=True, shots=None, **hot))
    assert "5-fold" in predictor.report.notes[0]
    assert (predictor.scores(test.images).argmax(1) == test.labels).mean() > 0.9


def test_classes_with_one_image_or_none_do_not_stop_it():
    task, test = made(n_classes=6, shots=8, val_shots=0)
    long_tail = replace(task, train=task.train.subset(np.r_[0:8, 8:14, 16:20, 24:26, 32:33]))
    for factory in (LinearProbe, Gda, TipAdapterF, Clap):
        predictor = fitted(factory, long_tail)
        assert "5-fold" in predictor.report.notes[0]
        assert np.isfinite(predictor.scores(test.images)).all()
