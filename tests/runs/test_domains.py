"""Runs on images of several domains are measured, and compared, in each of them."""

import numpy as np
import pytest
from PIL import Image

from tests.executors.suites import Told
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.comparisons.opening import compare_by_id
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings
from workbench.tasks.classification.predictions import ClassPredictions

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 200)}
SITES = {"clear": 30, "noisy": 90, "dark": 30}


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    """Runs trained on the clear site, and tested on its own test images and on the others."""
    folder = tmp_path_factory.mktemp("sites")
    (folder / "images").mkdir()
    rng, lines = np.random.default_rng(0), ["image,label,site"]
    for site, noise in SITES.items():
        for i in range(36):
            name = list(COLOURS)[i % 3]
            base = np.array(COLOURS[name]) * (0.3 if site == "dark" else 1)
            pixels = np.clip(base + rng.normal(0, noise, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{site}{i}.png")
            lines.append(f"images/{site}{i}.png,{name},{site}")
    (folder / "table.csv").write_text("\n".join(lines))
    card = folder / "sites.toml"
    card.write_text(
        'name = "sites"\nprimary_metric = "worst_domain_accuracy"\nmetrics = ["domain_auroc"]\n[source]\ntype = "csv"\n'
        'path = "table.csv"\n[columns]\nlabel = "label"\ndomain = "site"\n[splits]\nby = "domain"\n'
        'target = ["noisy", "dark"]\nin_domain_test = true\n'
    )
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    entries = tuple(RecipeEntry(recipe=name) for name in ("zero-shot", "linear-probe"))
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(card),), recipes=entries, figures=False)
    runs = {run.recipe: run for run in run_suite(suite, settings, reporter=Told())}
    assert {run.status for run in runs.values()} == {"finished"}
    return runs, settings


def test_the_record_has_each_domain_the_mean_and_the_worst(made):
    runs, settings = made
    run = runs["linear-probe"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    assert isinstance(predictions, ClassPredictions)
    assert set(predictions.domains) == set(SITES)
    assert predictions.source_domains == ("clear",)
    hits = predictions.scores.argmax(axis=1) == predictions.labels
    expected = {site: hits[np.array(predictions.domains) == site].mean() for site in SITES}
    for site, value in expected.items():
        assert run.metrics[f"domain_accuracy/{site}"] == pytest.approx(value)
        assert run.metrics[f"domain_accuracy/{site}_ci_low"] <= value <= run.metrics[f"domain_accuracy/{site}_ci_high"]
    assert run.metrics["worst_domain_accuracy"] == pytest.approx(min(expected.values()))
    assert run.metrics["domain_accuracy"] == pytest.approx(np.mean(list(expected.values())))
    gap = expected["clear"] - (expected["noisy"] + expected["dark"]) / 2
    assert run.metrics["gap_domain_accuracy"] == pytest.approx(gap)
    assert "domain_auroc/dark" in run.metrics, "the card asks for it"
    assert "domain_nll" not in run.metrics
    assert any(part.parts.get("domain") in SITES for part in predictions.examples())


@pytest.mark.parametrize(
    "metric", [None, "domain_accuracy/dark", "domain_auroc", "worst_domain_accuracy", "gap_domain_accuracy"]
)
def test_runs_are_compared_by_it(made, metric):
    runs, settings = made
    (comparison,) = compare_by_id(runs["zero-shot"].run_id, [runs["linear-probe"].run_id], metric, settings)
    name = metric or "worst_domain_accuracy"
    difference = comparison.difference
    assert comparison.metric == name
    observed = runs["zero-shot"].metrics[name] - runs["linear-probe"].metrics[name]
    assert abs(difference.value) == pytest.approx(abs(observed), abs=1e-6)
    assert difference.low <= difference.value <= difference.high
    assert 0 < difference.p_value <= 1
