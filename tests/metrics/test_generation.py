import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.errors import DataError
from workbench.metrics import generation
from workbench.metrics.generation import cmmd, prompt_metrics


def draw(n, seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, size=(n, 6)).astype(np.float32)


def naive_cmmd(x, y, unbiased):
    def unit(rows):
        return [[v / np.sqrt(sum(w * w for w in row)) for v in row] for row in rows.tolist()]

    def kernel(a, b):
        return np.exp(-sum((s - t) ** 2 for s, t in zip(a, b, strict=True)) / 200)

    def within(rows):
        pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j or not unbiased]
        return np.mean([kernel(rows[i], rows[j]) for i, j in pairs])

    x, y = unit(x), unit(y)
    return 1000 * (within(x) + within(y) - 2 * np.mean([kernel(a, b) for a in x for b in y]))


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("block", [4, 2048])
def test_cmmd_equals_a_double_loop(unbiased, block, monkeypatch):
    monkeypatch.setattr(generation, "_BLOCK", block)
    x, y = draw(11, 0), draw(17, 1, 0.5)
    assert cmmd(x, y, unbiased=unbiased) == pytest.approx(naive_cmmd(x, y, unbiased), abs=1e-8)


def test_cmmd_of_equal_and_of_unlike_sets():
    x = draw(50, 0)
    assert cmmd(x, x) == pytest.approx(0, abs=1e-9)
    assert cmmd(x, 7 * x) == pytest.approx(0, abs=1e-4)
    assert cmmd(x, draw(50, 1, 2)) > 5 * cmmd(x, draw(50, 1))


def test_the_unbiased_estimate_scatters_around_zero():
    found = [cmmd(draw(30, 2 * seed), draw(40, 2 * seed + 1), unbiased=True) for seed in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
    assert min(found) < 0


@pytest.mark.parametrize(("x", "y", "said"), [(0, 5, "generated"), (5, 1, "reference")])
def test_sets_too_small_are_refused(x, y, said):
    with pytest.raises(DataError, match=f"two {said}"):
        cmmd(draw(x, 0), draw(y, 1))


def test_nan_is_refused():
    x = draw(5, 0)
    x[2, 2] = np.nan
    with pytest.raises(DataError, match="reference images"):
        cmmd(draw(5, 1), x)
    with pytest.raises(DataError, match="prompt"):
        prompt_metrics(draw(5, 1), x, np.arange(5))


def test_prompt_accuracy_and_clip_score_equal_a_loop():
    prompts, of = draw(7, 0), np.repeat(np.arange(7), 4)
    images = prompts[of] + 1.2 * draw(28, 1)
    found = prompt_metrics(images, prompts, of)
    cosines = normalise(images) @ normalise(prompts).T
    assert found["prompt_accuracy"].value == pytest.approx((cosines.argmax(axis=1) == of).mean())
    assert 0 < found["prompt_accuracy"].value < 1
    own = cosines[np.arange(28), of]
    assert found["clip_score"].value == pytest.approx(2.5 * np.maximum(own, 0).mean(), rel=1e-5)
    assert found["clip_score"].n_groups == 7
    assert prompt_metrics(prompts, prompts, np.arange(7))["clip_score"].n_groups is None
