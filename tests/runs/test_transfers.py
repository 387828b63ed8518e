"""Recipes fitted on one dataset and tested on another, in one suite."""

from pathlib import Path

import numpy as np
import pytest

from tests.executors.suites import Told
from tests.runs.places import write_domains, write_place
from workbench.errors import WorkbenchError
from workbench.runs import Suite, run_suite
from workbench.runs.apply import predict_folder
from workbench.runs.comparisons.suite import compare_suite
from workbench.runs.comparisons.transfers import transfer_matrices
from workbench.runs.finished import FinishedRun
from workbench.runs.planned import cell_of, prepare_runs
from workbench.settings import Settings
from workbench.tracking import open_store

THREE = ("red", "green", "blue")


def suite_of(model, *transfers, recipes=("zero-shot", "nearest-class-mean"), **more):
    return Suite.model_validate(
        {
            "name": "moves", "models": [model], "recipes": [{"recipe": name} for name in recipes],
            "transfer": list(transfers), "figures": False, **more,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    """Runs from `sunny` to `dusky`, whose labels are others and in another order."""
    folder = tmp_path_factory.mktemp("transfers")
    sunny = write_place(folder / "sunny", {name: name for name in THREE})
    dusky = write_place(
        folder / "dusky", {"c1": "blue", "c2": "red", "c3": "green"}, light=0.4, seed=1,
        names={"c1": "azure", "c2": "red", "c3": "green"},
    )  # fmt: skip
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    transfer = {"source": str(sunny), "targets": [str(dusky)], "mapping": {"blue": "azure"}}
    suite, told = suite_of(tiny_model, transfer), Told()
    runs = run_suite(suite, settings, reporter=told)
    assert {run.status for run in runs} == {"finished"}, told
    return {(run.dataset, run.label): run for run in runs}, suite, settings, told


def test_the_source_each_target_and_the_way_between_are_run(made):
    runs = made[0]
    assert set(runs) == {
        ("sunny", "majority-class"), ("sunny", "zero-shot"), ("sunny", "nearest-class-mean"),
        ("dusky", "zero-shot"), ("dusky", "nearest-class-mean from sunny"),
    }  # fmt: skip
    run = runs["dusky", "nearest-class-mean from sunny"]
    assert run.trained_on == "sunny"
    assert runs["dusky", "zero-shot"].trained_on == ""
    assert (run.metrics["train_images"], run.metrics["test_images"]) == (24, 24)
    assert (
        "Trained on 24 images of sunny, validated on 12 images of it, tested on 24 images of dusky."
        in run.tags["notes"]
    )


def test_predictions_are_those_of_means_of_the_source_for_images_of_the_target(made):
    runs, suite, settings, _ = made
    planned = {run.spec.label: run for run in prepare_runs(suite, settings, Told())}
    own, across = planned["nearest-class-mean"].data, planned["nearest-class-mean from sunny"].data
    train = own.dataset.rows("train")
    colours = np.array(own.dataset.class_names)[own.dataset.labels(train)]
    features = own.images(train).features.pooled
    means = {}
    for colour in THREE:
        rows = features[colours == colour] / np.linalg.norm(features[colours == colour], axis=1, keepdims=True)
        means["azure" if colour == "blue" else colour] = rows.mean(axis=0)
    run = FinishedRun.open(runs["dusky", "nearest-class-mean from sunny"].run_id, settings)
    predictions = run.predictions
    assert predictions.class_names == ("azure", "red", "green")
    weights = np.stack([means[name] / np.linalg.norm(means[name]) for name in predictions.class_names])
    test = across.dataset.rows("test")
    assert list(predictions.ids) == across.dataset.ids(test)
    images = across.images(test).features.pooled
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    expected = (images @ weights.T).argmax(axis=1)
    assert (predictions.scores.argmax(axis=1) == expected).mean() > 0.95


def test_runs_on_a_target_are_compared_on_its_items(made):
    _, suite, settings, _ = made
    comparison = compare_suite(open_store(settings), suite.name)
    pairs = {
        (pair.first.run.dataset, frozenset({pair.first.group.label, pair.other.group.label}))
        for pair in comparison.pairs
    }
    assert ("dusky", frozenset({"zero-shot", "nearest-class-mean from sunny"})) in pairs
    assert not any("majority" in label and name == "dusky" for name, labels in pairs for label in labels)


def test_finished_transfers_are_not_made_again(made):
    runs, suite, settings, _ = made
    told = Told()
    again = run_suite(suite, settings, reporter=told)
    assert {run.run_id for run in again} == {run.run_id for run in runs.values()}


def test_few_shot_samples_are_those_of_the_source(made):
    _, suite, settings, _ = made
    few = suite.model_copy(update={"shots": (2,)})
    planned = {run.spec.label: run for run in prepare_runs(few, settings, Told())}
    own, across = planned["nearest-class-mean"], planned["nearest-class-mean from sunny"]
    samples = [run.data.dataset.hashes(run.task.rows(run.spec).train).tolist() for run in (own, across)]
    assert len(samples[0]) == 6
    assert sorted(samples[0]) == sorted(samples[1])


def test_what_is_trained_on_is_part_of_the_key(made, tmp_path, tiny_model):
    _, suite, settings, _ = made
    keys = {run.spec.label: run.key for run in prepare_runs(suite, settings, Told())}
    entry = suite.transfer[0]
    other = entry.model_copy(update={"mapping": {"blue": "red", "red": "azure"}})
    changed = suite.model_copy(update={"transfer": (other,)})
    after = {run.spec.label: run.key for run in prepare_runs(changed, settings, Told())}
    assert after["nearest-class-mean from sunny"] != keys["nearest-class-mean from sunny"]
    assert {label for label in keys if keys[label] == after[label]} == keys.keys() - {"nearest-class-mean from sunny"}


def test_a_source_without_test_images_is_fitted_on_and_not_tested(made, tmp_path, tiny_model):
    catalogue = write_place(tmp_path / "catalogue", {name: name for name in THREE})
    table = catalogue.parent / "table.csv"
    head, *lines = table.read_text().splitlines()
    pictures = [next(line for line in lines if f",{name},train" in line) for name in THREE]
    table.write_text("\n".join([head, *pictures]))  # One a class, of which no test split can be made.
    transfer = {"source": str(catalogue), "targets": made[1].transfer[0].targets, "mapping": {"blue": "azure"}}
    told = Told()
    planned = prepare_runs(suite_of(tiny_model, transfer), made[2], told)
    assert [run.spec.label.partition(" from")[0] for run in planned] == ["zero-shot", "nearest-class-mean"]
    assert {run.data.dataset.name for run in planned} == {"dusky"}
    assert any("'catalogue' has no test split: recipes are fitted on it" in sentence for sentence in told.sentences)


@pytest.mark.parametrize(
    ("transfer", "complaint"),
    [
        ({}, r"'blue' of 'sunny' and 'azure' of 'dusky'.*mapping"),
        ({"mapping": {"blue": "azur"}}, r"'azur', which is no class of 'dusky'. Did you mean 'azure'\?"),
        ({"mapping": {"bleu": "azure"}}, r"'bleu', which is no class of 'sunny'. Did you mean 'blue'\?"),
    ],
)
def test_classes_that_do_not_match_are_named(made, transfer, complaint):
    _, suite, settings, _ = made
    entry = suite.transfer[0].model_copy(update={"mapping": {}, **transfer})
    with pytest.raises(WorkbenchError, match=complaint):
        prepare_runs(suite.model_copy(update={"transfer": (entry,)}), settings, Told())


@pytest.mark.parametrize(
    ("transfer", "complaint"),
    [
        ({"source": "a"}, "targets is missing"),
        ({"targets": ["a"]}, "source is missing"),
        ({"source": "a", "targets": ["a"]}, "tested on its own images anyway"),
        ({"source": "a", "targets": ["b", "b"]}, "twice"),
        ({"source": "a", "targets": ["b"], "domains": "leave-one-out"}, "or dataset and domains"),
        ({"dataset": "a"}, "domains is missing"),
        ({"source": "a", "targets": ["b"], "recipes": ["zeroshot"]}, "Did you mean 'zero-shot'"),
        ({"source": "a", "targets": ["b"], "classes": "all"}, "same"),
        ({"source": "a", "targets": ["b"], "classes": "text", "mapping": {"x": "y"}}, "mapping is for"),
    ],
)
def test_a_wrong_table_is_refused_by_its_key(transfer, complaint):
    with pytest.raises(ValueError, match=complaint):
        suite_of("m", transfer)
    with pytest.raises(ValueError, match="expected at least one dataset"):
        suite_of("m")


def test_names_are_hidden_where_a_dataset_hides_them(made, tmp_path):
    _, suite, settings, _ = made
    hidden = settings.model_copy(update={"hash_ids": True, "runs": tmp_path / "runs"})
    runs = {(run.dataset, run.label): run for run in run_suite(suite, hidden, reporter=Told())}
    pairs = [
        FinishedRun.open(runs["dusky", label].run_id, hidden).predictions
        for label in ("zero-shot", "nearest-class-mean from sunny")
    ]
    assert list(pairs[0].ids) == list(pairs[1].ids)
    assert list(pairs[0].groups) == list(pairs[1].groups)
    assert "test-c1" not in " ".join(pairs[1].ids)
    assert str(tmp_path) not in str(runs["dusky", "nearest-class-mean from sunny"].params)


@pytest.fixture(scope="module")
def partly(tmp_path_factory, tiny_model):
    """Runs from a dataset to another that shares two of their four classes."""
    folder = tmp_path_factory.mktemp("partly")
    near = write_place(folder / "near", {name: name for name in ("red", "green", "grey")})
    far = write_place(folder / "far", {name: name for name in ("blue", "grey", "green")}, light=0.5, seed=1)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite = suite_of(tiny_model, {"source": str(near), "targets": [str(far)], "classes": "shared"})
    runs = run_suite(suite, settings, reporter=Told())
    return {(run.dataset, run.label): run for run in runs}, settings


def test_shared_classes_are_the_same_everywhere(partly):
    runs, settings = partly
    ours, theirs = "near-shared-with-far", "far-shared-with-near"
    assert set(runs) == {
        (ours, "majority-class"), (ours, "zero-shot"), (ours, "nearest-class-mean"),
        (theirs, "zero-shot"), (theirs, "nearest-class-mean from near"),
    }  # fmt: skip
    for (dataset, _), run in runs.items():
        assert (run.status, run.metrics["test_images"]) == ("finished", 16), run.tags
        predictions = FinishedRun.open(run.run_id, settings).predictions
        assert set(predictions.class_names) == {"green", "grey"}
        assert all("green" in name or "grey" in name for name in predictions.ids)
        assert dataset in {ours, theirs}
    assert runs[theirs, "nearest-class-mean from near"].metrics["train_images"] == 16


@pytest.fixture(scope="module")
def sites(tmp_path_factory, tiny_model):
    """Runs of one dataset of three sites, each left out in turn."""
    folder = tmp_path_factory.mktemp("sites")
    card = write_domains(folder / "sites", {"A": 1.0, "B": 0.7, "St. Mary": 0.4}, THREE)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite = suite_of(tiny_model, {"dataset": str(card), "domains": "leave-one-out"})
    return run_suite(suite, settings, reporter=Told()), suite, settings


def test_each_domain_is_left_out_in_turn(sites):
    made, _, settings = sites
    runs = {(run.dataset, run.label): run for run in made}
    labels = ("majority-class", "zero-shot", "nearest-class-mean", "nearest-class-mean from other domains")
    names = {"A": "sites-a", "B": "sites-b", "St. Mary": "sites-st.-mary"}
    assert set(runs) == {(name, label) for name in names.values() for label in labels}
    for domain, name in names.items():
        inside, outside = runs[name, labels[2]], runs[name, labels[3]]
        assert (inside.metrics["train_images"], outside.metrics["train_images"]) == (72, 48)
        predictions = [FinishedRun.open(run.run_id, settings).predictions for run in (inside, outside)]
        assert list(predictions[0].ids) == list(predictions[1].ids)
        assert set(predictions[1].domains) == {domain}
        assert len(predictions[1].ids) == 24


def test_a_worker_plans_its_cell_alone(sites, made, partly):
    for suite, settings, cells in ((*sites[1:3], {"sites"}), (*made[1:3], {"sunny", "dusky"})):
        planned = prepare_runs(suite, settings, Told())
        by_cell = {}
        for run in planned:
            by_cell.setdefault(cell_of(run.spec, suite), []).append(run.key)
        assert {Path(dataset).parent.name for dataset, _ in by_cell} == cells, "all of a source together"
        for cell, keys in by_cell.items():
            assert [run.key for run in prepare_runs(suite, settings, Told(), {cell})] == keys


@pytest.mark.parametrize(
    ("extra", "lights", "complaint"),
    [
        ('[splits]\nby = "domain"\ntarget = ["A"]\n', {"A": 1.0, "B": 0.5}, "Use a card without it"),
        ("", {"A": 1.0}, "at least two domains"),
    ],
)
def test_domains_that_cannot_be_left_out_are_refused(tmp_path, tiny_model, settings, extra, lights, complaint):
    card = write_domains(tmp_path / "d", lights, THREE, extra)
    suite = suite_of(tiny_model, {"dataset": str(card), "domains": "leave-one-out"})
    with pytest.raises(WorkbenchError, match=complaint):
        prepare_runs(suite, settings, Told())


def test_a_dataset_without_domains_is_refused(made):
    _, suite, settings, _ = made
    suite = suite_of(suite.models[0], {"dataset": suite.transfer[0].source, "domains": "leave-one-out"})
    with pytest.raises(WorkbenchError, match=r"columns.domain"):
        prepare_runs(suite, settings, Told())


def test_recipes_that_know_their_own_classes_alone_are_refused_other_classes(made):
    _, suite, settings, _ = made
    entry = suite.transfer[0].model_copy(update={"mapping": {}, "classes": "text"})
    with pytest.raises(WorkbenchError, match="'nearest-class-mean' scores the classes that it was fitted on"):
        prepare_runs(suite.model_copy(update={"transfer": (entry,)}), settings, Told())


def test_what_may_be_seen_without_labels_is_of_the_target(made, sites):
    planned = {run.spec.label: run for run in prepare_runs(*made[1:3], Told())}
    dusky = planned["zero-shot"].data.dataset
    across = planned["nearest-class-mean from sunny"].data.dataset
    rows = across.unlabelled_rows
    assert across.hashes(rows).tolist() == dusky.hashes(dusky.unlabelled_rows).tolist()
    assert set(across.labels(rows).tolist()) == {-1}
    assert not across.validates_on_target
    for run in prepare_runs(sites[1], sites[2], Told()):
        one = run.data.dataset
        assert len(set(one.domains(one.unlabelled_rows))) == 1
        assert set(one.domains(one.unlabelled_rows)) == set(one.domains(one.rows("test")))


@pytest.fixture(scope="module")
def by_text(tmp_path_factory, tiny_model):
    """A head on images, fitted on three colours and asked about two others."""
    folder = tmp_path_factory.mktemp("text")
    base = write_place(folder / "base", {name: name for name in THREE})
    new = write_place(folder / "new", {"a": "grey", "b": "red"}, seed=1, names={"a": "ashen", "b": "scarlet"})
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    transfer = {"source": str(base), "targets": [str(new)], "classes": "text"}
    suite = suite_of(tiny_model, transfer, recipes=("zero-shot", "clip-adapter"), seeds=[0, 1], shots=[4])
    runs = run_suite(suite, settings, reporter=Told())
    return {(run.dataset, run.label, run.seed): run for run in runs}, suite, settings


def test_other_classes_are_scored_by_their_text(by_text):
    runs, suite, settings = by_text
    run = runs["new", "clip-adapter from base", 1]
    assert (run.status, run.scores_by_text, run.metrics["train_images"]) == ("finished", True, 12.0)
    assert "The 2 classes of the test images are scored by their text." in run.tags["notes"]
    predictions = FinishedRun.open(run.run_id, settings).predictions
    assert predictions.class_names == ("ashen", "scarlet")
    planned = {(each.spec.label, each.spec.seed): each for each in prepare_runs(suite, settings, Told())}
    home, away = planned["clip-adapter", 1], planned["clip-adapter from base", 1]
    recipe = home.spec.factory(home.spec.config)
    fitted = recipe.fit(home.task.given(home.spec, home.task.rows(home.spec), refit=False))
    target = away.data.dataset
    other = recipe.for_classes(fitted, target.prompts, home.data.model, "cpu")
    expected = other.scores(away.data.images(target.rows("test")))
    np.testing.assert_allclose(predictions.scores, expected, rtol=1e-3, atol=1e-3)


def test_a_run_by_text_answers_with_the_classes_that_it_was_asked_about(by_text, tmp_path):
    runs, suite, settings = by_text
    run = FinishedRun.open(runs["new", "clip-adapter from base", 0].run_id, settings)
    folder = Path(suite.transfer[0].targets[0]).parent
    answers = predict_folder(run, folder)
    assert {name for answer in answers for name in answer.answer["classes"]} == {"ashen", "scarlet"}
    (matrix,) = transfer_matrices(compare_suite(open_store(settings), suite.name))
    cell = next(row.cells["new"] for row in matrix.rows if row.source == "base" and "new" in row.cells)
    assert cell.gap is None
    assert cell.against is not None


def test_domains_are_left_out_under_pseudonyms(sites, tmp_path):
    """A domain that is a part of the names of images has a pseudonym, in the name of its part of the dataset, too."""
    _, suite, settings = sites
    card = Path(suite.transfer[0].dataset)
    hidden_card = card.with_name("hidden.toml")
    hidden_card.write_text(card.read_text().replace('domain = "site"\n', '[splits]\ndomain_pattern = "^([^-]+)-"\n'))
    hidden = settings.model_copy(update={"hash_ids": True, "runs": tmp_path / "runs"})
    entry = suite.transfer[0].model_copy(update={"dataset": str(hidden_card)})
    runs = run_suite(suite.model_copy(update={"transfer": (entry,)}), hidden, reporter=Told())
    assert {run.status for run in runs} == {"finished"}
    assert len({run.dataset for run in runs}) == 3
    recorded = " ".join(str((run.dataset, run.params, run.tags)) for run in runs)
    assert "St.Mary" not in recorded
    assert "st.mary" not in recorded.lower()


def test_two_sources_of_one_name_are_refused(made, tmp_path):
    _, suite, settings, _ = made
    other = write_place(tmp_path / "sunny", {name: name for name in THREE}, seed=5)
    entries = suite.transfer[0], suite.transfer[0].model_copy(update={"source": str(other)})
    with pytest.raises(WorkbenchError, match="two sources that are both called 'sunny'"):
        prepare_runs(suite.model_copy(update={"transfer": entries}), settings, Told())


def test_a_domain_without_test_images_is_said_not_to_be_left_out(sites, tmp_path, tiny_model, settings):
    card = write_domains(tmp_path / "d", {"A": 1.0, "B": 0.5, "C": 0.2}, THREE)
    table = card.parent / "table.csv"
    table.write_text("\n".join(line for line in table.read_text().splitlines() if "C-test" not in line))
    told = Told()
    suite = suite_of(tiny_model, {"dataset": str(card), "domains": "leave-one-out"})
    planned = prepare_runs(suite, settings, told)
    assert {run.data.dataset.name for run in planned} == {"d-a", "d-b"}
    assert sum("not left out: C." in sentence for sentence in told.sentences) == 1
    assert set(planned[0].data.dataset.domains(planned[0].data.dataset.rows("train"))) == {"A", "B", "C"}
