from dataclasses import replace

import numpy as np
import pytest

from dashboards.views.groups import groups_of, matched_runs, never_met, pair_columns, pairs_shown
from workbench.runs.comparisons import compare_run_groups


@pytest.fixture
def comparison(make_run, make_predictions):
    """Two recipes over three seeds at two numbers of shots, and zero-shot, on two datasets."""
    runs, kept = [], {}
    for dataset in ("d", "e"):
        for recipe, shots, seeds, noise in (("gda", "4", 3, 1.5), ("lora", "4", 3, 1.4), ("gda", "1", 3, 2.5),
                                            ("zero-shot", "0", 1, 3.0)):  # fmt: skip
            for seed in range(seeds):
                images = {"train_images": 3.0 * int(shots)}
                run = make_run(recipe, shots=shots, seed=seed, dataset=dataset, metrics=images)
                kept[run.run_id] = make_predictions(noise, seed=len(runs))
                runs.append(run)
    labels = np.arange(60) % 3
    assert all((each.labels == labels).all() for each in kept.values())
    return compare_run_groups(runs, lambda run: kept[run.run_id], suite="s")


def test_groups_take_all_seeds_together(comparison):
    found = groups_of(comparison, "d")
    assert {name: len(entry.by_seed) for name, entry in found.items()} == {
        "gda · m · 1 shot": 3, "gda · m · 4 shots": 3, "lora · m · 4 shots": 3, "zero-shot · m": 1,
    }  # fmt: skip


def test_what_is_picked_changes_what_is_shown_and_no_p_value(comparison):
    everything = pairs_shown(comparison, "d", [])
    assert 2 * len(everything) == len(comparison.pairs)
    one = pairs_shown(comparison, "d", ["zero-shot · m"])
    assert len(one) == 3
    both = pairs_shown(comparison, "d", ["lora · m · 4 shots", "gda · m · 4 shots"])
    assert len(both) == 1
    assert {id(pair) for pair in (*one, *both)} <= {id(pair) for pair in everything}
    assert all(pair.first.run.dataset == "d" for pair in everything)


def test_what_all_pairs_have_in_common_is_no_column(comparison):
    everything = pair_columns(pairs_shown(comparison, "d", []))
    assert "model" not in everything
    rows = list(zip(*(everything[name] for name in ("first", "other", "shots")), strict=True))
    assert ("lora", "gda", "4") in rows or ("gda", "lora", "4") in rows
    assert ("gda", "gda", "4 and 1") in rows
    one = pair_columns(pairs_shown(comparison, "d", ["lora · m · 4 shots", "gda · m · 4 shots"]))
    assert sorted(one) == ["first", "other"]


def test_models_of_the_same_ends_are_told_apart(comparison):
    pair = comparison.pairs[0]
    long = "hf-hub:somebody/clip-{}-of-a-very-long-name"
    names = [long.format(middle) for middle in ("one", "two")]
    found = pair_columns([replace(pair, model=name) for name in names])
    assert len(set(found["model"])) == 2
    assert all("one" in model or "two" in model for model in found["model"])


def test_groups_that_no_suite_compares(comparison):
    picked = ["gda · m · 1 shot", "lora · m · 4 shots", "zero-shot · m"]
    assert never_met(pairs_shown(comparison, "d", picked), picked) == [("gda · m · 1 shot", "lora · m · 4 shots")]


def test_runs_side_by_side_are_of_one_seed_or_the_only_one(comparison):
    (both,) = pairs_shown(comparison, "d", ["lora · m · 4 shots", "gda · m · 4 shots"])
    assert [(seed, a.seed, b.seed) for seed, (a, b) in matched_runs(both).items()] == [(s, s, s) for s in range(3)]
    (with_zero,) = pairs_shown(comparison, "d", ["lora · m · 4 shots", "zero-shot · m"])
    found = matched_runs(with_zero)
    assert sorted(found) == [0, 1, 2]
    assert {run.seed for both in found.values() for run in both if run.recipe == "zero-shot"} == {0}


def test_the_family_is_named(comparison):
    assert f"{len(comparison.pairs)} comparisons of suite s in each dataset's primary metric" in comparison.family
