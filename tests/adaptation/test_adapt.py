"""An adaptation from its file to its record: better in its field, its cost known, its network a model."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

import workbench
from tests.dashboards.screens.driver import open_page
from workbench.adaptation.adapt import adapt
from workbench.adaptation.config import Adaptation
from workbench.cli import cli
from workbench.datasets import open_dataset
from workbench.errors import CardError, DataError, WorkbenchError
from workbench.models import open_model
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.exporting import export_run
from workbench.runs.finished import FinishedRun
from workbench.runs.reporter import Silent
from workbench.settings import Settings
from workbench.tasks import ClassPredictions
from workbench.tracking import open_store, read_runs


class Listening(Silent):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapting")
    return Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")


@pytest.fixture(scope="module")
def content(squares, tiny_model, write_colours, tmp_path_factory):
    """Captions are trained on; colours are the same images with labels; to be retained is what training must spoil."""
    other = write_colours(tmp_path_factory.mktemp("other") / "other", train=1, val=4, test=6, seed=9)
    for split in ("train", "val", "test"):  # Each colour goes by the name of another.
        for old, new in (("red", "was"), ("green", "red"), ("blue", "green"), ("was", "blue")):
            (other / split / old).rename(other / split / new)
    return {
        "name": "squares",
        "model": tiny_model,
        "train": [{"dataset": str(squares / "squares.toml")}],
        "training": {
            "steps": 40, "batch_size": 24, "method": "full", "learning_rate": 1e-3, "evaluate_every": 20, "min_crop": 1,
        },
        "evaluate": {"datasets": [str(squares / "colours.toml"), str(squares / "squares.toml")]},
        "retention": {"datasets": [str(other)], "tolerance": 0.5, "alphas": [0.5]},
    }  # fmt: skip


@pytest.fixture(scope="module")
def made(content, settings):
    reporter = Listening()
    result = adapt(Adaptation.model_validate(content), settings, reporter=reporter)
    return result, reporter.said


def table(rows):
    return {(row["dataset"], row["state"]): row for row in rows}


def test_it_is_better_by_labels_that_were_never_seen(made):
    result, said = made
    rows = table(result.rows)
    before, after = rows["colours", "before"], rows["colours", "after"]
    assert before["value"] < 0.7 < after["value"]
    assert after["difference"] == pytest.approx(after["value"] - before["value"], abs=1e-9)
    assert after["low"] <= after["value"] <= after["high"]
    assert after["p_value"] < 0.05
    assert after["test"] == "exact McNemar test"
    assert len(rows) == 9
    assert any(sentence.startswith("alpha ") for sentence in said)


def test_the_record_says_what_it_was_and_what_came_of_it(made, settings):
    run, rows = made[0].run, table(made[0].rows)
    assert (run.status, run.task, run.recipe, run.dataset) == ("finished", "adaptation", "adapt", "squares")
    metrics = run.metrics
    assert metrics["accuracy/colours/after"] == rows["colours", "after"]["value"]
    both = [rows[name, "chosen"]["value"] for name in ("colours", "squares")]
    assert metrics["in_domain"] == pytest.approx(np.mean(both))
    assert metrics["retention_before"] == rows["other", "before"]["value"]
    opened = FinishedRun.open_any(run.run_id, settings)
    kept = ClassPredictions.read(opened.artifact("predictions") / "colours-after.parquet")
    accuracy = (kept.scores.argmax(axis=1) == kept.labels).mean()
    assert accuracy == pytest.approx(rows["colours", "after"]["value"])
    curve = opened.artifact("curve.csv").read_text().splitlines()
    assert curve[0] == "alpha,in_domain,retention,colours,squares,other"
    assert [line.partition(",")[0] for line in curve[1:]] == ["0.0", "0.5", "1.0"]
    assert opened.artifact("figures/curve.png").stat().st_size > 1000
    config = json.loads(opened.artifact("config.json").read_text())
    assert "/" not in config["adaptation"]["train"][0]["dataset"]
    assert [row["step"] for row in config["history"]] == [0, 20, 40]


def test_its_network_leaves_with_a_card_and_has_no_head(made, settings, tmp_path):
    run = FinishedRun.open_any(made[0].run.run_id, settings)
    assert export_run(run, tmp_path / "network").form == "open_clip"
    text = (tmp_path / "network" / "README.md").read_text(encoding="utf-8")
    assert "accuracy/colours/chosen" in text
    assert "open_clip.create_model_from_pretrained" in text
    with pytest.raises(WorkbenchError, match="is of adaptation"):
        export_run(run, tmp_path / "graph", "onnx")


def test_its_network_is_a_model_with_a_lineage(made, settings, squares, tiny_model):
    run, rows = made[0].run, table(made[0].rows)
    model = f"run:{run.run_id}"
    suite = Suite(
        name="with it", models=(model,), datasets=(str(squares / "colours.toml"),),
        recipes=(RecipeEntry(recipe="zero-shot"),), figures=False, baseline=False,
    )  # fmt: skip
    (zero_shot,) = run_suite(suite, settings)
    assert zero_shot.status == "finished"
    assert zero_shot.metrics["accuracy"] == pytest.approx(rows["colours", "chosen"]["value"], abs=0.06)
    assert f"{tiny_model} adapted by adapt on squares (all images, seed 0; run {run.run_id[:8]})" in (
        open_model(model, settings).lineage or ""
    )
    with pytest.raises(WorkbenchError, match=r"is of adaptation: .* `--model run:\w+` takes its network"):
        FinishedRun.open(run.run_id, settings)


def test_asked_again_it_answers_from_the_store(made, content, settings):
    reporter = Listening()
    again = adapt(Adaptation.model_validate(content), settings, reporter=reporter)
    assert again.run.run_id == made[0].run.run_id
    assert any("finished already" in sentence for sentence in reporter.said)
    assert table(again.rows)["colours", "after"]["value"] == table(made[0].rows)["colours", "after"]["value"]
    # How often checkpoints are taken changes no result, and so makes no other run.
    often = {**content, "training": {**content["training"], "checkpoint_every": 7}}
    assert adapt(Adaptation.model_validate(often), settings).run.run_id == made[0].run.run_id


class Killed(BaseException):
    """In place of a kill."""


class KillAt(Silent):
    def progress(self, what, done, total):
        if what == "training" and done == 11:
            raise Killed


def test_killed_and_asked_again_it_has_the_same_network(content, settings):
    short = {**content, "name": "killed", "retention": {"alphas": [1]}}
    short["training"] = {**content["training"], "steps": 14, "checkpoint_every": 4, "evaluate_every": 14}
    adaptation = Adaptation.model_validate(short)
    runs = [adapt(adaptation.model_copy(update={"name": "undisturbed"}), settings).run]
    with pytest.raises(Killed):
        adapt(adaptation, settings, reporter=KillAt())
    reporter = Listening()
    runs.append(adapt(adaptation, settings, reporter=reporter).run)
    assert "goes on after step 8 of 14." in reporter.said
    weights = [
        (FinishedRun.open_any(run.run_id, settings).artifact("network") / "weights.safetensors").read_bytes()
        for run in runs
    ]
    assert weights[0] == weights[1]
    assert len(read_runs(open_store(settings), "killed")) == 1  # The one that was killed is gone.
    assert not list((settings.cache / "adaptations").glob("*.pt"))


@pytest.mark.slow
def test_the_command_killed_at_any_instant_has_the_same_network(content, tmp_path):
    """A real process, killed without warning; it takes some seconds, since each process imports torch."""
    short = {**content, "retention": {"alphas": [1]}}
    training = {"steps": 60, "batch_size": 12, "micro_batch_size": 5, "dropout": 0.3, "learning_rate": 5e-3}
    short["training"] = {**training, "checkpoint_every": 2, "evaluate_every": 25}
    path = tmp_path / "squares.toml"
    path.write_text(_toml(short), encoding="utf-8")
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "adapt", str(path)]
    environment = {**os.environ, "WORKBENCH_PRECISION": "fp32", "WORKBENCH_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    cache, runs = tmp_path / "cache", tmp_path / "runs"

    def start():
        own = {"WORKBENCH_CACHE": str(cache), "WORKBENCH_RUNS": str(runs)}
        return subprocess.Popen(command, env={**environment, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    child = start()
    while child.poll() is None and not list(cache.glob("adaptations/*.pt")):
        time.sleep(0.002)
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    (state,) = cache.glob("adaptations/*.pt")
    assert 0 < torch.load(state, weights_only=True)["step"] < 60
    resumed, threads = start(), torch.get_num_threads()
    try:  # Sums are added in the same order by as many threads alone.
        torch.set_num_threads(1)
        here = Settings(cache=tmp_path / "other", runs=tmp_path / "other", precision="fp32", device="cpu")
        whole = adapt(Adaptation.model_validate(short), here).run
    finally:
        torch.set_num_threads(threads)
    said = resumed.communicate()[1].decode()
    assert resumed.returncode == 0, said
    assert "goes on after step" in said
    there = here.model_copy(update={"cache": cache, "runs": runs})
    (run,) = read_runs(open_store(there), "squares")
    weights = [
        (FinishedRun(each, place).artifact("network") / "weights.safetensors").read_bytes()
        for each, place in ((run, there), (whole, here))
    ]
    assert weights[0] == weights[1]


def test_captions_names_and_taxa_are_mixed_for_a_locked_image_tower(content, settings, squares):
    names = {"dataset": str(squares / "colours.toml"), "texts": ["names", "taxonomy"], "taxonomy": ["family"]}
    mixed = {**content, "name": "mixed", "train": [{**content["train"][0], "weight": 2}, {**names, "weight": 1}]}
    training = {"steps": 16, "batch_size": 24, "locked": "image", "loss": "sigmoid", "learning_rate": 1e-2}
    mixed["training"] = {**training, "micro_batch_size": 10, "min_crop": 1, "evaluate_every": 8}
    mixed["evaluate"] = {"datasets": [str(squares / "colours.toml")]}
    mixed["retention"] = {"alphas": []}
    run = FinishedRun.open_any(adapt(Adaptation.model_validate(mixed), settings).run.run_id, settings)
    first, last = (row["train_loss"] for row in run.config["history"][1:])
    assert last < 0.7 * first
    assert (run.result.dataset, run.result.metrics["train_images"]) == ("squares + colours", 48)
    weights = load_file(run.artifact("network") / "weights.safetensors")
    assert not [name for name in weights if name.startswith("visual.")]


def test_measured_images_are_not_trained_on(content, settings, squares):
    lines = (squares / "table.csv").read_text().splitlines()
    # What one card validates on is for training in another.
    (squares / "other.csv").write_text("\n".join(line.replace(",val,", ",train,") for line in lines))
    card = (squares / "squares.toml").read_text().replace("table.csv", "other.csv").replace('"squares"', '"leaky"')
    (squares / "leaky.toml").write_text(card)
    leaky = {**content, "name": "leaky", "train": [{"dataset": str(squares / "leaky.toml")}]}
    leaky["training"] = {**content["training"], "steps": 1}
    reporter = Listening()
    run = adapt(Adaptation.model_validate(leaky), settings, reporter=reporter).run
    (said,) = (sentence for sentence in reporter.said if sentence.startswith("leaky: "))
    left_out = int(said.split()[1])
    assert "training images are left out, since they are among" in said
    n_train = len(open_dataset(str(squares / "leaky.toml"), settings).rows("train"))
    assert 0 < left_out == n_train - run.metrics["train_images"]
    assert f"{left_out} training images were left out" in run.tags["notes"]


def test_what_cannot_be_measured_is_refused_before_training(content, settings, squares):
    colours = str(squares / "colours.toml")
    wrong = [
        ({"datasets": [{"dataset": colours, "metric": "ece"}]}, CardError, "'ece' of 'colours' is no share of which"),
        ({"datasets": [{"dataset": colours, "metric": "acuracy"}]}, WorkbenchError, "no metric is called 'acuracy'"),
        ({"datasets": [{"dataset": colours, "metric": "text_to_image_map"}]}, DataError, "is not defined on its"),
    ]
    for evaluate, kind, complaint in wrong:
        with pytest.raises(kind, match=complaint):
            adapt(Adaptation.model_validate({**content, "name": "wrong", "evaluate": evaluate}), settings)


def test_the_command(made, content, settings, tmp_path):
    path = tmp_path / "squares.toml"
    path.write_text(_toml(content), encoding="utf-8")
    arguments = ["adapt", str(path), "--cache", str(settings.cache), "--precision", "fp32", "--device", "cpu"]
    environment = {"WORKBENCH_RUNS": str(settings.runs)}
    shown = CliRunner().invoke(cli, [*arguments, "--quiet"], env=environment)
    assert shown.exit_code == 0, shown.output
    assert "colours  before  accuracy % " in shown.stdout
    assert f"workbench run --model run:{made[0].run.run_id[:8]} ..." in shown.stdout
    answer = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], env=environment).stdout)
    assert answer["run"]["run_id"] == made[0].run.run_id
    assert len(answer["datasets"]) == 9


def test_from_python(made, content, settings):
    frame = workbench.adapt(content, cache=settings.cache, runs=settings.runs, precision="fp32", device="cpu")
    assert set(frame["run_id"]) == {made[0].run.run_id}
    assert frame["state"].tolist() == ["before", "after", "chosen"] * 3
    with pytest.raises(WorkbenchError, match=r"unknown key 'training\.step'"):
        workbench.adapt({**content, "training": {"step": 1}})


def _toml(content):
    import tomlkit

    return tomlkit.dumps(content)


def test_another_tolerance_takes_the_same_training(made, content, settings, tiny_model):
    stricter = {**content, "retention": {**content["retention"], "tolerance": 0.1, "alphas": [0.15]}}
    reporter = Listening()
    again = adapt(Adaptation.model_validate(stricter), settings, reporter=reporter).run
    first = made[0].run
    assert f"its training is that of run {first.run_id[:8]}, whose weights are taken." in reporter.said
    assert again.run_id != first.run_id
    for name in ("in_domain_before", "in_domain_after", "train_seconds", "trainable_parameters", "train_images"):
        assert again.metrics[name] == first.metrics[name]
    opened = FinishedRun.open_any(again.run_id, settings)
    alpha = float(again.tags["chosen.alpha"])
    assert alpha == 0.15  # With all of the training, everything is forgotten.
    # The network lies so far between before and after.
    after = load_file(opened.artifact("network") / "weights.safetensors")
    before, network = (
        n.state_dict() for n in (open_model(tiny_model, settings).load().network, opened.network().network)
    )
    for name, value in after.items():
        torch.testing.assert_close(network[name], torch.lerp(before[name], value, alpha), rtol=0, atol=0)


def test_names_of_images_are_hidden_where_asked(content, settings):
    short = {**content, "name": "hidden", "retention": {"alphas": []}}
    short["training"] = {**content["training"], "steps": 1}
    adaptation = Adaptation.model_validate(short)
    plain = adapt(adaptation, settings).run
    hidden = adapt(adaptation, settings.model_copy(update={"hash_ids": True})).run
    assert hidden.run_id != plain.run_id  # One that names what is to be hidden is no answer.
    kept = FinishedRun.open_any(hidden.run_id, settings).artifact("predictions") / "colours-before.parquet"
    ids = ClassPredictions.read(kept).ids
    assert all(name.startswith("id-") for name in ids)


@pytest.mark.parametrize("page", ["overview", "compare", "transfer", "shots", "errors", "cost", "data"])
def test_the_dashboard_shows_its_store(made, settings, monkeypatch, page):
    monkeypatch.setenv("WORKBENCH_CACHE", str(settings.cache))
    monkeypatch.setenv("WORKBENCH_RUNS", str(settings.runs))
    app = open_page(page, dataset="squares")
    assert not app.exception
    if page == "overview":
        assert "in_domain" in app.dataframe[0].value.columns
