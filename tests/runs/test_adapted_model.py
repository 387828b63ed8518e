"""`run:RUN` is a model: its features are the adapted network's, wherever it is used."""

import numpy as np
import pytest

from workbench.errors import ModelError, WorkbenchError
from workbench.models import open_model
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings

SHORT = {"epochs": 2, "precision": "fp32", "towers": "both", "prompts": "ensemble"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    return Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_colours):
    folder = tmp_path_factory.mktemp("data")
    return [str(write_colours(folder / name, seed=seed)) for seed, name in enumerate(("here", "there"))]


def runs_of(settings, model, data, *recipes):
    entries = tuple(RecipeEntry(recipe=name, config=SHORT if name == "lora" else {}) for name in recipes)
    suite = Suite(name=f"s {model[:8]}", models=(model,), datasets=(data,), recipes=entries, figures=False)
    made = {run.recipe: run for run in run_suite(suite, settings)}
    assert {run.status for run in made.values()} == {"finished"}
    return made


@pytest.fixture(scope="module")
def adapted(settings, data, tiny_model):
    """Runs of lora and zero-shot with the stock model."""
    return runs_of(settings, tiny_model, data[0], "zero-shot", "lora")


def predictions(run, settings):
    return FinishedRun.open(run.run_id, settings).predictions


def test_zero_shot_with_it_says_what_the_adapted_classifier_said(adapted, settings, data):
    model = f"run:{adapted['lora'].run_id}"
    again = runs_of(settings, model, data[0], "zero-shot")["zero-shot"]
    found, expected = (predictions(run, settings).scores for run in (again, adapted["lora"]))
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))
    assert not np.allclose(found, predictions(adapted["zero-shot"], settings).scores, atol=1e-3)
    assert again.model == model
    lineage = again.tags["model.lineage"]
    assert "adapted by lora on here (all images, seed 0; run " in lineage
    assert again.tags["model.fingerprint"] != adapted["zero-shot"].tags["model.fingerprint"]


def test_it_is_adapted_further_on_other_data_and_its_lineage_grows(adapted, settings, data):
    model = f"run:{adapted['lora'].run_id[:10]}"  # The beginning of an id will do.
    further = runs_of(settings, model, data[1], "linear-probe", "lora")["lora"]
    twice = open_model(f"run:{further.run_id}", settings)
    assert twice.lineage is not None
    assert twice.lineage.index("by lora on here") < twice.lineage.index("by lora on there")
    assert twice.fingerprint != open_model(model, settings).fingerprint


def test_with_the_whole_id_it_needs_the_store_once(adapted, settings, tmp_path):
    model = f"run:{adapted['lora'].run_id}"
    before = open_model(model, settings)
    elsewhere = settings.model_copy(update={"runs": tmp_path / "none"})
    assert open_model(model, elsewhere).fingerprint == before.fingerprint
    assert open_model(model, elsewhere).lineage == before.lineage
    with pytest.raises(WorkbenchError, match="No run"):
        open_model(f"{model[:-3]}", elsewhere)


def test_it_is_made_anew_where_the_cache_lost_it(adapted, settings, tmp_path):
    model = f"run:{adapted['lora'].run_id}"
    before = open_model(model, settings)
    fresh = settings.model_copy(update={"cache": tmp_path / "cache"})
    assert open_model(model, fresh).fingerprint == before.fingerprint
    (weights,) = (tmp_path / "cache" / "models").glob("run-*/open_clip_model.safetensors")
    weights.unlink()
    assert open_model(model, fresh).fingerprint == before.fingerprint
    assert weights.exists()


def test_a_run_that_adapts_no_weights_is_no_model(adapted, settings):
    with pytest.raises(ModelError, match=r"'run:\w+'.*changes no weights of the network"):
        open_model(f"run:{adapted['zero-shot'].run_id}", settings)
    with pytest.raises(WorkbenchError, match="No run"):
        open_model("run:0000", settings)
