"""Where a run points without boxes: against what the loaded run answers, and against loops over boxes."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.runs.halves import write_halves
from workbench.cli import main
from workbench.metrics.functional import picks_right
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.comparisons import compare_runs
from workbench.runs.usable import UsableRun
from workbench.settings import Settings
from workbench.tasks import GroundingPredictions

HALVES = {"left": [0, 0, 16, 32], "right": [16, 0, 32, 32]}
RELATIONS = RecipeEntry(recipe="relation-head", config={"epochs": 8, "scales": [10.0], "words": 1})


def an_instruction(left, right, rng):
    side = str(rng.choice(list(HALVES)))
    said = {"text": f"take the {side} one", "answer": list(HALVES).index(side), "kind": side}
    return {"boxes": list(HALVES.values()), "said": [said]}


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("pointing")
    columns = {"boxes": "boxes", "instruction": "said"}
    card = write_halves(folder, "grounding", columns, an_instruction, "regions = { pointing = true }")
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    recipes = (RecipeEntry(recipe="zero-shot"), RELATIONS)
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(card),), recipes=recipes, figures=False)
    runs = {run.recipe: UsableRun.open(run.run_id, settings) for run in run_suite(suite, settings)}
    rows = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    return folder, runs, {row["file_name"]: row for row in rows}


@pytest.mark.parametrize("recipe", ["zero-shot", "relation-head"])
def test_accuracy_of_pointing_is_that_of_the_points(made, recipe):
    folder, runs, rows = made
    run = runs[recipe]
    predictions = run.predictions
    hits = []
    for i, name in enumerate(predictions.images):
        (answer,) = run.ground(folder / name, None, predictions.texts[i])
        assert list(answer["point"]) == predictions.pointing.points[i].tolist()
        said = rows[name]["said"][0]
        left, top, right, bottom = rows[name]["boxes"][said["answer"]]
        x, y = answer["point"]
        hits.append(left <= x < right and top <= y < bottom)
    hits, kinds = np.array(hits), np.array(predictions.categories)
    metrics = run.result.metrics
    assert metrics["pointing_accuracy"] == pytest.approx(hits.mean())
    assert metrics["pointing_accuracy_ci_low"] <= hits.mean() <= metrics["pointing_accuracy_ci_high"]
    for kind in HALVES:
        assert metrics[f"pointing_accuracy/{kind}"] == pytest.approx(hits[kinds == kind].mean())
    assert metrics["chance_pointing_accuracy"] == pytest.approx(0.5)
    # Boxes are chosen as they are without pointing.
    assert metrics["accuracy"] == pytest.approx(
        picks_right(predictions._flat, predictions._truth, predictions._starts).mean()
    )


def test_it_is_kept_and_compared(made, tmp_path):
    _, runs, _ = made
    predictions = runs["relation-head"].predictions
    predictions.write(tmp_path / "again.parquet")
    again = GroundingPredictions.read(tmp_path / "again.parquet")
    np.testing.assert_array_equal(again.pointing.right, predictions.pointing.right)
    (compared,) = compare_runs(runs["relation-head"], [runs["zero-shot"]], metric="pointing_accuracy")
    expected = predictions.pointing.right.mean() - runs["zero-shot"].predictions.pointing.right.mean()
    assert compared.difference.value == pytest.approx(expected)


def test_a_head_that_knows_places_points_to_the_side_that_is_said(made):
    assert made[1]["relation-head"].result.metrics["pointing_accuracy"] > 0.8


def test_maps_of_a_folder_are_written(made, tmp_path, monkeypatch, capsys):
    folder, runs, _ = made
    run = runs["relation-head"]
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / "a.png").write_bytes((folder / "test-0.png").read_bytes())
    monkeypatch.setenv("WORKBENCH_CACHE", str(run.settings.cache))
    monkeypatch.setenv("WORKBENCH_RUNS", str(run.settings.runs))
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    maps = tmp_path / "maps"
    said = ["--text", "take the left one", "--text", "take the right one"]
    with pytest.raises(SystemExit) as ended:
        main(["predict", run.result.run_id, str(frames), *said, "--heat-maps", str(maps), "--json"])
    assert ended.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in rows] == said[1::2]
    for number, text in enumerate(said[1::2], 1):
        np.testing.assert_allclose(
            np.load(maps / "a.png" / f"{number}.npy"), run.heat_map(frames / "a.png", text), atol=1e-4
        )
        assert Image.open(maps / "a.png" / f"{number}.png").size == (32, 32)
