"""Recipes without labels of the target, on transfers: labels are the source's, unlabelled images the target's."""

import pytest

from tests.runs.places import write_place
from workbench.runs import Suite, run_suite
from workbench.settings import Settings
from workbench.tracking import labels_apart

THREE = ("red", "green", "blue")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("without-labels")
    sunny, dusky = (
        write_place(folder / name, {own: own for own in THREE}, light=light, seed=seed)
        for name, light, seed in (("sunny", 1.0, 0), ("dusky", 0.4, 1))
    )
    recipes = [
        {"recipe": "self-training", "config": {"start": "labelled", "per_class": 4}},
        {"recipe": "transclip", "shots": ["all"]},
        {"recipe": "prior-correction", "config": {"base": "gda", "pool": "unlabelled"}},
        {"recipe": "tda"},
    ]
    suite = Suite.model_validate(
        {
            "name": "moves", "models": [tiny_model], "recipes": recipes, "figures": False, "baseline": False,
            "transfer": [{"source": str(sunny), "targets": [str(dusky)]}],
        }
    )  # fmt: skip
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    return labels_apart(run_suite(suite, settings))


def run_of(runs, recipe, dataset):
    return next(run for run in runs if run.recipe == recipe and run.dataset == dataset)


def test_all_are_made(runs):
    assert {(run.recipe, run.dataset, run.status) for run in runs} == {
        (recipe, dataset, "finished")
        for recipe in ("self-training", "transclip", "prior-correction", "tda")
        for dataset in ("sunny", "dusky")
    }
    assert "tda (online)" in run_of(runs, "tda", "dusky").label
    assert "transductive" in run_of(runs, "transclip", "dusky").label


def test_unlabelled_images_are_the_targets(runs):
    moved = run_of(runs, "self-training", "dusky")
    assert moved.trained_on == "sunny"
    assert moved.metrics["unlabelled_images"] == 24
    assert "unlabelled_images" not in run_of(runs, "transclip", "dusky").metrics


def test_only_where_validation_is_of_the_target_its_labels_are_said_to_be_used(runs):
    for recipe in ("transclip", "prior-correction"):
        assert "Labels of the target were used" in run_of(runs, recipe, "sunny").tags["notes"]
        assert "Labels of the target were used" not in run_of(runs, recipe, "dusky").tags["notes"]
