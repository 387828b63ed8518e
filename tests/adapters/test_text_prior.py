"""Methods that start from text against the published update rules, and against zero-shot where the text is strong."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from adapters.clap import Clap
from adapters.clip_adapter import ClipAdapter
from adapters.cross_modal_probe import CrossModalProbe
from adapters.gda import Gda
from adapters.linear_probe_text import LinearProbeText
from adapters.lp_plus_plus import LpPlusPlus
from adapters.prolip import Prolip
from adapters.task_res import TaskRes
from adapters.tip_adapter import TipAdapter
from adapters.tip_adapter_f import TipAdapterF
from adapters.zero_shot import ZeroShot
from tests.adapters import published
from tests.adapters.planted import BIASED, NUISANCE, STRONG, clip_task

RULES = {
    TaskRes: published.task_res,
    ClipAdapter: published.clip_adapter,
    Clap: published.clap,
    # A tenth of the published steps, since each takes its time here; accuracies differ by a point.
    CrossModalProbe: lambda task: published.cross_modal_probe(task, iterations=1600),
    TipAdapterF: published.tip_adapter_f,
    Prolip: published.prolip,
    LpPlusPlus: published.lp_plus_plus,
}
CHOOSING = {CrossModalProbe, LpPlusPlus, TipAdapterF}  # The others have constants for what validation could choose.
WITH_TEXT = [*RULES, Gda, LinearProbeText, TipAdapter]
SHOTS = (1, 4, 16)
SEEDS = range(2)


@cache
def tasks(geometry, shots, with_val):
    small = geometry if geometry is STRONG else replace(geometry, n_classes=10, dim=64)
    val = min(shots, 4) if with_val else 0
    return [clip_task(shots, val_shots=val, test_size=60, seed=seed, geometry=small) for seed in SEEDS]


def correct(factory, geometry, shots, with_val, **settings):
    """Whether each test image of each seed is right, as one array."""
    own = tasks(geometry, shots, with_val)
    predictors = factory(factory.Config(**settings)).fit_many([task for task, _ in own])
    return np.concatenate(
        [p.scores(test.images).argmax(axis=1) == test.labels for p, (_, test) in zip(predictors, own, strict=True)]
    )


@cache
def by_rule(rule, geometry, shots, with_val):
    return np.mean([published.accuracy(rule(task), test) for task, test in tasks(geometry, shots, with_val)])


@pytest.mark.parametrize("geometry", [BIASED, NUISANCE], ids=["biased", "nuisance"])
@pytest.mark.parametrize("factory", RULES)
def test_a_recipe_is_not_two_points_below_the_published_rule(factory, geometry):
    differences = {
        (shots, with_val): correct(factory, geometry, shots, with_val).mean()
        - by_rule(RULES[factory], geometry, shots, with_val and factory in CHOOSING)
        for shots in SHOTS
        for with_val in (False, True)
    }
    assert min(differences.values()) > -0.02, differences


def below_zero_shot(factory, geometry, shots, with_val):
    """Mean paired difference to zero-shot, and half its 95 % interval."""
    difference = correct(factory, geometry, shots, with_val) - correct(ZeroShot, geometry, shots, with_val).astype(
        float
    )
    return difference.mean(), 1.96 * difference.std() / len(difference) ** 0.5


@pytest.mark.parametrize("geometry", [BIASED, NUISANCE], ids=["biased", "nuisance"])
@pytest.mark.parametrize("factory", WITH_TEXT)
def test_no_number_of_shots_is_worse_than_none(factory, geometry):
    for shots in SHOTS:
        for with_val in (False, True):
            mean, margin = below_zero_shot(factory, geometry, shots, with_val)
            assert mean + margin >= 0, (shots, with_val, mean, margin)


@pytest.mark.parametrize("factory", WITH_TEXT)
def test_where_images_can_add_nothing_a_strong_text_prior_is_kept(factory):
    """The published rules lose 2 to 12 points here."""
    for shots in SHOTS:
        for with_val in (False, True):
            mean, margin = below_zero_shot(factory, STRONG, shots, with_val)
            assert mean + margin >= -0.02, (shots, with_val, mean, margin)


def test_the_planted_text_is_right_three_times_in_four_and_its_vectors_are_long():
    for geometry in (BIASED, NUISANCE, STRONG):
        assert 0.7 < correct(ZeroShot, geometry, 1, False).mean() < 0.8
    task, _ = tasks(BIASED, 1, False)[0]
    norms = np.linalg.norm(task.model.encode_texts(list(task.class_names)), axis=1)
    assert norms.min() > 5
    assert norms.max() < 10
