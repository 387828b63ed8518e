"""The heads that are solved or trained, against SciPy's minimiser and PyTorch's own loop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from adapters._heads.batches import batch_tasks
from adapters._heads.few_shot import few_shots
from adapters.clap import Clap, multipliers
from adapters.clip_adapter import ClipAdapter, adapted
from adapters.cross_modal_probe import CrossModalProbe
from adapters.linear_probe_text import LinearProbeText
from adapters.lp_plus_plus import BlockSteps, LpPlusPlus, blended, favour, initial
from adapters.task_res import TaskRes
from adapters.tip_adapter_f import TipAdapterF
from workbench.plugin import normalise
from workbench.testing import PlantedModel, one_hot, planted_task


def unit(data):
    return normalise(data.images.features.projected).astype(float)


def text_of(task):
    return normalise(task.model.encode_texts(list(task.class_names))).astype(float)


def minimum(x, y, offset, penalty, n_classes, weight=None):
    """SciPy's minimum, (n_classes, d), of weighted cross-entropy (else its mean) + sum_c penalty_c / 2 ||w_c||^2."""
    hot, penalty = one_hot(y, n_classes), np.broadcast_to(penalty, n_classes)
    weight = np.full(len(x), 1 / len(x)) if weight is None else weight

    def objective(flat):
        w = flat.reshape(n_classes, -1)
        log_p = log_softmax(offset + x @ w.T, axis=1)
        residual = weight[:, None] * (np.exp(log_p) - hot)
        loss = -(weight * log_p[hot]).sum() + (penalty * (w**2).sum(1)).sum() / 2
        return loss, (residual.T @ x + penalty[:, None] * w).ravel()

    found = minimize(
        objective, np.zeros(n_classes * x.shape[1]), jac=True, method="L-BFGS-B",
        options={"maxiter": 20000, "maxfun": 40000, "ftol": 1e-15, "gtol": 1e-9},
    ).x  # fmt: skip
    return found.reshape(n_classes, -1)


def centred(logits):
    return logits - logits.mean(axis=1, keepdims=True)


@pytest.fixture
def data():
    return planted_task(n_classes=4, shots=10, dim=12, noise=1.5, test_size=10)


def test_linear_probe_text_is_the_minimum_around_the_text_weights(data):
    task, test = data
    config = LinearProbeText.Config(features="projected", text_weights=(0.3,), penalties=(1e-2,), tolerance=1e-8)
    predictor = LinearProbeText(config).fit(task)
    text = 0.3 * 100 * text_of(task)
    w = minimum(unit(task.train), task.train.labels, unit(task.train) @ text.T, 1e-2, 4)
    np.testing.assert_allclose(predictor.scores(test.images), unit(test) @ (w + text).T, atol=1e-3)


def test_linear_probe_text_at_a_strong_penalty_is_zero_shot(data):
    task, test = data
    config = LinearProbeText.Config(features="projected", text_weights=(1.0,), penalties=(1e6,))
    scores = LinearProbeText(config).fit(task).scores(test.images)
    np.testing.assert_allclose(scores, 100 * unit(test) @ text_of(task).T, atol=1e-2)


def with_long_text(task, length):
    """The same with text vectors of these lengths before normalisation."""
    text = np.asarray(text_of(task) * np.reshape(length, (-1, 1)), np.float32)
    return replace(task, model=PlantedModel(task.class_names, text))


def test_clap_is_the_minimum_under_class_wise_penalties_on_text_as_long_as_it_is(data):
    task, test = data
    length = np.array([5.0, 6.0, 8.0, 10.0])
    config = Clap.Config(features="projected", text_weights=(1.0,), strengths=(10.0,), tolerance=1e-8)
    predictor = Clap(config).fit(with_long_text(task, length))
    x, y, text = unit(task.train), task.train.labels, 100 * text_of(task)
    probability = softmax(x @ text.T, axis=1)
    by_class = np.array([probability[y == c, c].mean() for c in range(4)])
    # The paper's penalty lambda_c ||w_c - t_c||^2, averaged over classes, where w is 100 / length times as long here.
    w = minimum(x, y, x @ text.T, 2 * 10.0 * by_class / 4 * (length / 100) ** 2, 4)
    np.testing.assert_allclose(predictor.scores(test.images), unit(test) @ (w + text).T, atol=1e-3)


def test_text_vectors_that_the_model_normalises_count_as_long_as_clips(data):
    task, test = data
    for factory in (Clap, TaskRes):
        expected, found = (factory(factory.Config()).fit(own) for own in (with_long_text(task, 8.0), task))
        np.testing.assert_allclose(found.scores(test.images), expected.scores(test.images), atol=1e-3)


def test_multipliers_of_classes_without_images_are_the_mean():
    logits = torch.zeros(1, 3, 3, dtype=torch.float64)
    logits[0, 0, 0] = 5.0
    target = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 1, 0]]], dtype=torch.float64)
    found = multipliers(logits, target)[0]
    first = float(np.exp(5) / (np.exp(5) + 2))
    torch.testing.assert_close(found, torch.tensor([first, 1 / 3, (first + 1 / 3) / 2], dtype=torch.float64))


def test_cross_modal_probe_starts_at_text_and_fits_images_and_text_alike(data):
    task, test = data
    config = CrossModalProbe.Config(text_weights=(0.5,), penalties=(1e-2,), tolerance=1e-8)
    predictor = CrossModalProbe(config).fit(task)
    x, n, text = np.concatenate([unit(task.train), text_of(task)]), len(task.train), 0.5 * 100 * text_of(task)
    # Half of a published batch is images, half is text.
    weight = np.r_[np.full(n, 1 / n), np.full(4, 0.5 / 4)] / 2
    w = minimum(x, np.r_[task.train.labels, np.arange(4)], x @ text.T, 1e-2, 4, weight)
    np.testing.assert_allclose(predictor.scores(test.images), unit(test) @ (w + text).T, atol=1e-3)


@pytest.fixture
def lp_problem():
    """Classes that overlap, so that the loss has a minimum; returns a stack and what the paper's symbols are."""
    task, _ = planted_task(n_classes=4, shots=30, dim=6, noise=3.0)
    batch = batch_tasks(few_shots([task]), "projected")
    agreement = batch.train.text_logits / 100
    z = batch.train.x - batch.train.x.mean(dim=1, keepdim=True)
    return task, batch, agreement, z


def lp_loss(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()


def test_lp_plus_plus_logits_are_the_papers_formula(lp_problem):
    task, batch, _, _ = lp_problem
    rng = np.random.default_rng(0)
    w, alpha = rng.normal(size=(4, 6)), rng.normal(size=4)
    f, t = unit(task.train), text_of(task)
    expected = [[f[i] @ (w[k] + alpha[k] * t[k]) for k in range(4)] for i in range(len(f))]
    found = blended(
        batch.train.x, batch.train.text_logits / 100, torch.as_tensor(w)[None, None], torch.as_tensor(alpha)[None, None]
    )
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-5)


def test_lp_plus_plus_reaches_the_minimum_of_a_generic_optimiser(lp_problem):
    task, batch, agreement, z = lp_problem
    step = BlockSteps(z, agreement, batch.train, text_every=2)
    parameters = initial(step, agreement, batch.train.target, torch.ones(1, 1, dtype=torch.float64))
    for t in range(6000):
        parameters = step(parameters, t)
    ours = lp_loss(blended(step.z, agreement, *parameters)[0, 0].numpy(), task.train.labels)
    a, f, y = agreement[0].numpy(), step.z[0].numpy(), task.train.labels

    def objective(flat):
        w, alpha = flat[:-4].reshape(4, -1), flat[-4:]
        logits = f @ w.T + alpha * a
        residual = (softmax(logits, axis=1) - one_hot(y, 4)) / len(y)
        return lp_loss(logits, y), np.r_[(residual.T @ f).ravel(), (residual * a).sum(0)]

    theirs = minimize(objective, np.zeros(4 * f.shape[1] + 4), jac=True, options={"maxiter": 5000, "gtol": 1e-8}).fun
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_lp_plus_plus_steps_from_lipschitz_constants_never_raise_the_loss(lp_problem):
    task, batch, agreement, z = lp_problem
    losses = []
    step = BlockSteps(z, agreement, batch.train, text_every=1)
    parameters = initial(step, agreement, batch.train.target, torch.ones(1, 1, dtype=torch.float64))
    for _ in range(30):
        losses.append(lp_loss(blended(step.z, agreement, *parameters)[0, 0].numpy(), task.train.labels))
        alone = BlockSteps(z, agreement, batch.train, text_every=1)  # Its first step has no momentum yet.
        parameters = alone(parameters, 0)
    assert (np.diff(losses) < 1e-12).all()
    assert losses[-1] < losses[0] - 0.01


def test_lp_plus_plus_begins_at_class_means_and_mean_agreement(lp_problem):
    task, batch, agreement, z = lp_problem
    x, y, target = unit(task.train), task.train.labels, batch.train.target
    step = BlockSteps(z, agreement, batch.train, text_every=1)
    prototypes, alphas = initial(step, agreement, target, torch.tensor([[1.0, 0.0]]).double())
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(prototypes[0, 0, :, :-1], [centred[y == c].mean(0) for c in range(4)], atol=1e-6)
    expected = 250 * np.mean([(x[y == c] @ text_of(task)[c]).mean() for c in range(4)])
    np.testing.assert_allclose(alphas[0], [[expected] * 4, [0] * 4], atol=1e-4)
    bias = prototypes[0, :, :, -1] * step.constant[0]
    np.testing.assert_allclose(bias, -alphas[0] * favour(agreement, target), atol=1e-8)


def agreements(bias, *, n_classes=20, per_class=4, noise=0.04):
    """Cosines of images with texts, some of which are liked by all images; and one-hot targets."""
    rng = np.random.default_rng(0)
    target = np.repeat(np.eye(n_classes), per_class, axis=0)
    found = 0.2 + 0.1 * target + bias + noise * rng.normal(size=target.shape)
    return torch.as_tensor(found)[None], torch.as_tensor(target)[None]


def test_favour_is_what_texts_have_with_images_of_other_classes():
    bias = 0.05 * np.random.default_rng(1).normal(size=20)
    agreement, target = agreements(bias)
    found = favour(agreement, target)[0].numpy()
    np.testing.assert_allclose(found, bias - bias.mean(), atol=0.02)
    # The level of an image's cosines says nothing, nor does padding, nor how well images fit their own class.
    levels = torch.rand(1, 80, 1).double()
    padded = [torch.cat([own, torch.zeros(1, 7, 20).double()], dim=1) for own in (agreement + levels, target)]
    np.testing.assert_allclose(favour(*padded)[0], found, atol=1e-8)
    np.testing.assert_allclose(favour(agreement + target, target)[0], found, atol=0.01)


def test_favour_is_nothing_where_chance_explains_it():
    assert not favour(*agreements(0.0, per_class=1)).any()
    bias = np.array([0.1, -0.1])
    assert not favour(*agreements(bias, n_classes=2)).any()  # Of one other class no spread is seen.


def test_lp_plus_plus_scores_are_those_validation_saw(data):
    task, _ = data
    predictor = LpPlusPlus(LpPlusPlus.Config()).fit(task)
    scores = predictor.scores(task.val.images)
    trial = next(t for t in predictor.report.trials if t["text_weight"] == predictor.report.chosen["text_weight"])
    assert lp_loss(scores, task.val.labels) == pytest.approx(trial["val_nll"], abs=1e-4)


def pytorch_loop(parameters, logits, labels, rate, steps, stop, **settings):
    """AdamW and cosine annealing as a published training script has them."""
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0, **settings)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(stop):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits(), labels).backward()
        optimiser.step()
        schedule.step()


def test_task_res_is_the_published_loop_in_full_batches(data):
    task, test = data
    task = with_long_text(task, [5.0, 6.0, 8.0, 10.0])
    predictor = TaskRes(TaskRes.Config(alpha=0.5, learning_rates=(0.1,), steps=40)).fit(task)
    x = torch.as_tensor(unit(task.train))
    text = torch.as_tensor(task.model.encode_texts(list(task.class_names))).double()
    residual = torch.zeros_like(text, requires_grad=True)

    def classifier():
        return 100 * torch.nn.functional.normalize(text + 0.5 * residual, dim=1)

    pytorch_loop(
        [residual], lambda: x @ classifier().T, torch.as_tensor(task.train.labels), 0.1, 40,
        predictor.report.chosen["steps"],
    )  # fmt: skip
    assert predictor.report.chosen["steps"] > 0
    expected = unit(test) @ classifier().detach().numpy().T
    np.testing.assert_allclose(predictor.scores(test.images), expected, atol=1e-3)


def test_clip_adapter_adapts_as_two_layers_and_a_residual_do():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(8, 2, bias=False), torch.nn.ReLU(), torch.nn.Linear(2, 8, bias=False), torch.nn.ReLU()
    ).double()
    x = torch.randn(5, 8, dtype=torch.float64)
    for ratio in (0.0, 0.3, 1.0):
        expected = torch.nn.functional.normalize(ratio * network(x) + (1 - ratio) * x, dim=1)
        layers = (network[i].weight.detach()[None, None] for i in (0, 2))
        found = adapted(x[None], *layers, torch.tensor([[ratio]], dtype=torch.float64))
        torch.testing.assert_close(found[0, 0], expected.detach())


def test_clip_adapter_scores_are_those_validation_saw_and_depend_on_the_seed(data):
    task, test = data
    recipe = ClipAdapter(ClipAdapter.Config())
    predictor = recipe.fit(task)
    trial = next(t for t in predictor.report.trials if t["ratio"] == predictor.report.chosen["ratio"])
    assert lp_loss(predictor.scores(task.val.images), task.val.labels) == pytest.approx(trial["val_nll"], abs=1e-3)
    again, other = recipe.fit(task), recipe.fit(replace(task, seed=1))
    np.testing.assert_array_equal(again.scores(test.images), predictor.scores(test.images))
    assert not np.allclose(other.scores(test.images), predictor.scores(test.images), atol=1e-3)


def test_tip_adapter_f_trains_alike_in_slices(monkeypatch):
    task, test = planted_task(n_classes=4, shots=6, noise=1.2, text_noise=2.0)
    whole = TipAdapterF(TipAdapterF.Config()).fit(task)
    monkeypatch.setattr("adapters._heads.cache._ENTRIES", 5 * len(task.train))
    sliced = TipAdapterF(TipAdapterF.Config()).fit(task)
    assert sliced.report.chosen == whole.report.chosen
    np.testing.assert_allclose(sliced.scores(test.images), whole.scores(test.images), rtol=1e-5, atol=1e-5)


def test_tip_adapter_f_is_the_published_loop_in_full_batches_without_own_keys():
    task, test = planted_task(n_classes=4, shots=6, noise=1.2, text_noise=2.0)
    settings = {"features": "projected", "text_weights": (0.0,), "alphas": (3.0,), "betas": (5.0,)}
    recipe = TipAdapterF(TipAdapterF.Config(**settings, learning_rate=0.01, steps=20, default_steps=20))
    trained = recipe.fit(task)
    steps = trained.report.chosen["steps"]
    assert steps > 0
    x, y = torch.as_tensor(unit(task.train)), torch.as_tensor(task.train.labels)
    hot = torch.nn.functional.one_hot(y).double()
    # Adam's steps depend on the basis, which is that of the images' span.
    basis = torch.linalg.qr(x.T).Q
    keys = (x @ basis).clone().requires_grad_()
    own = torch.eye(len(x), dtype=torch.bool)

    def logits():
        affinity = ((x @ basis) @ keys.T).masked_fill(own, -torch.inf)
        return 3.0 * torch.exp(-5.0 * (1 - affinity)) @ hot

    pytorch_loop([keys], logits, y, 0.01, 20, steps, eps=1e-4)
    query = torch.as_tensor(unit(test))
    expected = 3.0 * torch.exp(-5.0 * (1 - query @ (keys @ basis.T).T.detach())) @ hot
    np.testing.assert_allclose(trained.scores(test.images), expected, atol=1e-4)
