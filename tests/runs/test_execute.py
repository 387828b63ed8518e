"""Suites end to end on a tiny model and real image files, into a real MLflow store."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from workbench.errors import DataError, RecipeError, UnknownNameError
from workbench.metrics import classification_metrics
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.tracking import open_store, read_runs


def suite_of(model, folder, *recipes, **values):
    entries = [entry if isinstance(entry, RecipeEntry) else RecipeEntry(recipe=entry) for entry in recipes]
    return Suite(name="s", models=(model,), datasets=(str(folder),), recipes=tuple(entries), figures=False, **values)


class Told:
    def __init__(self):
        self.lines = []

    def say(self, sentence):
        self.lines.append(sentence)

    def progress(self, what, done, total):
        pass


def test_every_result_is_in_the_store_and_a_second_call_does_nothing(settings, tiny_model, make_colours):
    suite = suite_of(tiny_model, make_colours(), "zero-shot", "linear-probe", shots=(2, "all"), seeds=(0, 1))
    runs = run_suite(suite, settings)
    # Majority and zero-shot once; the probe at 2 shots with two seeds, and once with all images.
    assert sorted((run.recipe, run.shots, run.seed) for run in runs) == [
        ("linear-probe", "2", 0),
        ("linear-probe", "2", 1),
        ("linear-probe", "all", 0),
        ("majority-class", "all", 0),
        ("zero-shot", "0", 0),
    ]
    assert all(run.status == "finished" for run in runs)
    probe = next(run for run in runs if run.shots == "all" and run.recipe == "linear-probe")
    assert probe.metrics["accuracy"] > 0.9
    assert probe.metrics["accuracy_ci_low"] <= probe.metrics["accuracy"] <= probe.metrics["accuracy_ci_high"]
    assert {
        "git.commit",
        "version.torch",
        "model.fingerprint",
        "dataset.fingerprint",
        "device",
    } <= probe.tags.keys() | {"git.commit"}
    told = Told()
    again = run_suite(suite, settings, reporter=told)
    assert [run.run_id for run in again] == [run.run_id for run in runs]
    assert told.lines == ["5 of 5 runs are finished already."]


def test_without_a_validation_split_the_record_tells_of_the_cross_validation(settings, tiny_model, make_colours):
    folder = make_colours(train=10)
    shutil.rmtree(folder / "val")
    entries = [
        RecipeEntry(
            recipe="gda", label=" ".join(values), config=dict(zip(("validation", "selection"), values, strict=True))
        )
        for values in (("cv", "nll"), ("split", "nll"), ("cv", "accuracy"))
    ]
    runs = run_suite(suite_of(tiny_model, folder, *entries, baseline=False), settings)
    assert len({run.key for run in runs}) == 3
    for run in runs:
        report = FinishedRun(run, settings).config["report"]
        measure = "cv_nll" if run.label.startswith("cv") else "val_nll"
        assert all(measure in trial for trial in report["trials"])
        assert any("cross-validation" in note for note in report["notes"]) == run.label.startswith("cv")


def test_metrics_are_recomputed_from_the_predictions_alone(settings, tiny_model, make_colours):
    run = run_suite(suite_of(tiny_model, make_colours(), "linear-probe"), settings)[-1]
    predictions = FinishedRun.open(run.run_id[:8], settings).predictions
    again = classification_metrics(predictions.scores, predictions.labels, predictions.group_codes)
    assert len(predictions.ids) == 24
    for name, estimate in again.items():
        assert run.metrics[name] == pytest.approx(estimate.value, abs=1e-6)
        assert run.metrics[f"{name}_ci_low"] == pytest.approx(estimate.low, abs=1e-6)


def test_of_two_finished_runs_the_older_goes_when_the_suite_is_run_again(
    settings, tiny_model, make_colours, monkeypatch
):
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(make_colours()),), recipes=(RecipeEntry(recipe="knn"),))
    first = {run.run_id for run in run_suite(suite, settings)}
    with monkeypatch.context() as killed_before_it_could:
        killed_before_it_could.setattr("workbench.runs.batches.remove_superseded", lambda *_, **__: None)
        second = {run.run_id for run in run_suite(suite, settings, fresh=True)}
    assert {run.run_id for run in read_runs(open_store(settings), "s")} == first | second
    assert {run.run_id for run in run_suite(suite, settings)} == second
    assert {run.run_id for run in read_runs(open_store(settings), "s")} == second


def test_fresh_replaces_a_finished_run(settings, tiny_model, make_colours):
    suite = suite_of(tiny_model, make_colours(), "zero-shot")
    first = {run.recipe: run.run_id for run in run_suite(suite, settings)}
    second = {run.recipe: run.run_id for run in run_suite(suite, settings, fresh=True)}
    assert set(first.values()).isdisjoint(second.values())
    assert len(read_runs(open_store(settings), "s")) == 2


def test_a_setting_a_label_or_an_image_makes_another_run(settings, tiny_model, make_colours):
    folder = make_colours()
    run_suite(suite_of(tiny_model, folder, "zero-shot"), settings)
    single = RecipeEntry(recipe="zero-shot", config={"prompts": "single"})
    run_suite(suite_of(tiny_model, folder, single), settings)
    assert len(read_runs(open_store(settings), "s")) == 3
    (folder / "test" / "red" / "0.png").unlink()
    run_suite(suite_of(tiny_model, folder, single), settings)
    assert len(read_runs(open_store(settings), "s")) == 5


def test_another_primary_metric_ranks_the_same_run_and_another_name_is_another_dataset(
    settings, tiny_model, make_colours, tmp_path
):
    folder, card = make_colours(), tmp_path / "card.toml"
    text = f'name = "sheets"\n[source]\ntype = "folder"\npath = "{folder}"\n'
    card.write_text(text)
    suite = suite_of(tiny_model, card, "zero-shot")
    before = run_suite(suite, settings)
    assert {run.tags["workbench.primary_metric"] for run in before} == {"accuracy"}
    card.write_text('primary_metric = "macro_f1"\n' + text)
    after = run_suite(suite, settings)
    assert [run.run_id for run in after] == [run.run_id for run in before]
    assert {run.tags["workbench.primary_metric"] for run in after} == {"macro_f1"}
    card.write_text(text.replace("sheets", "papers"))
    assert {run.dataset for run in run_suite(suite, settings)} == {"papers"}


def test_a_failing_recipe_is_recorded_and_the_rest_goes_on(settings, tiny_model, make_colours):
    nothing = RecipeEntry(recipe="lora", config={"targets": ["*.nowhere"]})
    runs = run_suite(suite_of(tiny_model, make_colours(), nothing, "zero-shot"), settings)
    status = {run.recipe: run for run in runs}
    assert status["lora"].status == "failed"
    assert "matches no linear layer" in status["lora"].tags["workbench.error"]
    assert status["zero-shot"].status == "finished"


def test_failing_again_leaves_one_run(settings, tiny_model, make_colours):
    lora = RecipeEntry(recipe="lora", config={"targets": ["nowhere"]})
    suite = Suite(
        name="s", models=(tiny_model,), datasets=(str(make_colours()),), recipes=(lora,), baseline=False
    )  # fmt: skip
    (first,), (second,) = run_suite(suite, settings), run_suite(suite, settings)
    assert (first.status, second.status) == ("failed", "failed")
    assert [run.run_id for run in read_runs(open_store(settings))] == [second.run_id]


def test_shuffled_test_labels_change_no_fitted_parameter(settings, tiny_model, make_colours):
    folder = make_colours()
    suite = suite_of(tiny_model, folder, "linear-probe")
    first = FinishedRun.open(run_suite(suite, settings)[-1].run_id, settings)
    classes = sorted(path.name for path in (folder / "test").iterdir())
    for name in classes:
        (folder / "test" / name).rename(folder / "test" / f"{name}-moved")
    for name, other in zip(classes, classes[1:] + classes[:1], strict=True):
        (folder / "test" / f"{name}-moved").rename(folder / "test" / other)
    second = FinishedRun.open(run_suite(suite, settings)[-1].run_id, settings)
    assert first.result.run_id != second.result.run_id
    np.testing.assert_array_equal(first.predictor().weight, second.predictor().weight)
    assert first.result.metrics["accuracy"] != second.result.metrics["accuracy"]


def test_unreadable_images_are_counted_and_too_many_fail_the_run(settings, tiny_model, make_colours):
    folder = make_colours()
    (folder / "test" / "red" / "0.png").write_bytes(b"not an image")
    suite = suite_of(tiny_model, folder, "zero-shot")
    failed = run_suite(suite, settings)
    assert {run.status for run in failed} == {"failed"}
    assert "1 of 24 test images cannot be read" in failed[0].tags["workbench.error"]
    runs = run_suite(suite, settings.model_copy(update={"max_unreadable": 0.1}))
    assert {run.status for run in runs} == {"finished"}
    assert runs[0].metrics["unreadable_images"] == 1
    assert runs[0].metrics["test_images"] == 23
    finished = FinishedRun.open(runs[0].run_id, settings)
    assert list(finished.config["unreadable"]) == ["test/red/0.png"]
    assert "test/red/0.png" not in finished.predictions.ids


def test_what_is_wrong_with_a_plan_shows_before_any_work(settings, tiny_model, make_colours):
    folder = make_colours()
    with pytest.raises(UnknownNameError, match="Did you mean 'zero-shot'"):
        run_suite(suite_of(tiny_model, folder, "zero-shott"), settings)
    with pytest.raises(RecipeError, match=r"recipe 'zero-shot'.*prompt"):
        run_suite(suite_of(tiny_model, folder, RecipeEntry(recipe="zero-shot", config={"promts": "x"})), settings)
    with pytest.raises(DataError, match="no such folder"):
        run_suite(suite_of(tiny_model, "not/there", "zero-shot"), settings)
    assert not open_store(settings).exists


@pytest.mark.slow
def test_killed_in_the_middle_it_finishes_and_doubles_nothing(settings, tiny_model, make_colours, tmp_path):
    folder = make_colours(train=10)
    script = (
        "import sys; from workbench.cli import main; "
        f"main(['run', '--name', 's', '--model', {tiny_model!r}, '--dataset', {str(folder)!r}, "
        "'--recipe', 'zero-shot', "
        "'--recipe', 'linear-probe', '--recipe', 'lora', '--set', 'lora.epochs=3', '--shots', '2', '--shots', '4', "
        "'--seed', '0', '--seed', '1', '--precision', 'fp32', '--device', 'cpu'])"
    )
    command = [sys.executable, "-c", script]
    store = open_store(settings)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        found = read_runs(store, "s") if store.exists and store.sqlite_file.stat().st_size > 0 else []
        if sum(run.status == "finished" for run in found) >= 3 and any(run.status == "running" for run in found):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {run.run_id for run in read_runs(store, "s") if run.status == "finished"}
    assert len(before) >= 3
    last = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert last.returncode == 0, last.stderr
    runs = read_runs(store, "s")
    assert before <= {run.run_id for run in runs}
    assert {run.status for run in runs} == {"finished"}
    assert len(runs) == len({run.key for run in runs}) == 1 + 1 + 4 + 4
