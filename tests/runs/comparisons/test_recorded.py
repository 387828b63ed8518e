"""Comparisons of recorded runs, from predictions written by hand; quick, for `tests/mutation`."""

import numpy as np
import pytest

from workbench.errors import DataError
from workbench.metrics import NotComparableError, compare_paired
from workbench.runs import FinishedRun
from workbench.runs.comparisons.imported import import_scores
from workbench.runs.comparisons.measuring import measure_groups
from workbench.runs.comparisons.runs import compare_runs, seed_note, title
from workbench.settings import Settings
from workbench.tasks import CaptionPredictions, ClassPredictions
from workbench.tracking import RunRecorder, open_store, read_runs

IDS = [f"i{k}" for k in range(30)]
LABELS = np.arange(30) % 3
NAMES = ("ant", "bee", "cat")
FIRST, OTHER, THIRD = (np.random.default_rng(seed).normal(size=(30, 3)) for seed in range(3))
FIRST = FIRST + 2 * np.eye(3)[LABELS]


def said(scores, order=None, names=NAMES, keys=("a", "b", "c"), labels=LABELS):
    order = np.arange(30) if order is None else order
    return ClassPredictions(
        [IDS[i] for i in order], [None] * 30, None if labels is None else labels[order],
        scores[order].astype(np.float32), names, keys,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("store")
    return Settings(cache=root / "cache", runs=root / "runs", device="cpu", precision="fp32")


@pytest.fixture
def record(store, tmp_path):
    """Writes a finished run, and reads it back."""

    def make(predictions, label="r", **tags):
        folder = tmp_path / f"{label}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        predictions.write(folder / "predictions.parquet")
        params = {
            "model": "m", "dataset": "d", "field": "f", "task": "classification", "recipe": label, "shots": "4",
            "seed": 0,
        }  # fmt: skip
        named = {name.replace("__", "."): value for name, value in tags.items()}
        recorder = RunRecorder.begin(open_store(store), "s", label, params, {"workbench.run_key": str(folder), **named})
        recorder.finish({"accuracy": 0.5}, {}, folder)
        (found,) = (run for run in read_runs(open_store(store)) if run.run_id == recorder.run_id)
        return FinishedRun(found, store)

    return make


def test_the_numbers_are_those_of_the_metrics_whatever_the_order_of_items_and_classes(record):
    order = np.random.default_rng(5).permutation(30)
    turned = said(OTHER[:, [2, 0, 1]], order, ("cat", "ant", "bee"), ("c", "a", "b"), (LABELS + 1) % 3)
    first, other, third = record(said(FIRST), "one"), record(turned, "two"), record(said(THIRD), "three")
    a, b = compare_runs(first, [other, third])
    assert a.difference == compare_paired(said(FIRST).scores, said(OTHER).scores, LABELS, metric="accuracy")
    assert b.difference == compare_paired(said(FIRST).scores, said(THIRD).scores, LABELS, metric="accuracy")
    assert (a.first, a.other, a.metric) == (first.result.run_id, other.result.run_id, "accuracy")
    low, high = sorted((a.difference.p_value, b.difference.p_value))
    assert sorted((a.p_corrected, b.p_corrected)) == pytest.approx([min(1, 2 * low), max(min(1, 2 * low), high)])
    assert a.marks == ()
    assert a.sentence.startswith(f"one (m, 4 shots, seed 0, {first.result.run_id[:8]}) is better than two (m, 4 shots")
    assert "p < 0.001 after Holm" in a.sentence or f"p = {a.p_corrected:.3f} after Holm" in a.sentence


def test_the_cards_metric_is_compared_unless_another_is_asked_for(record):
    first = record(said(FIRST), workbench__primary_metric="macro_f1")
    other = record(said(OTHER), workbench__primary_metric="nll")
    assert compare_runs(first, [other])[0].metric == "macro_f1"
    (asked,) = compare_runs(first, [other], "auroc")
    assert asked.metric == "auroc"
    assert asked.difference == compare_paired(said(FIRST).scores, said(OTHER).scores, LABELS, metric="auroc")


def test_one_of_several_seeds_is_called_so(record):
    first, other = record(said(FIRST)), record(said(OTHER))
    ids = [run.result.run_id for run in (first, other)]
    (found,) = compare_runs(first, [other], seeds={ids[0]: 3, ids[1]: 3})
    assert ", one of 3 seeds," in found.sentence
    note = "another seed can show something else; `workbench compare --suite s` compares all seeds together"
    assert found.marks == (note,)
    (found,) = compare_runs(first, [other], seeds={ids[1]: 2})
    assert found.marks == (note,)
    (found,) = compare_runs(first, [other], seeds={ids[0]: 1})
    assert found.marks == ()
    assert seed_note(first.result, {}) == seed_note(first.result, {ids[0]: 1}) == ""
    assert seed_note(first.result, {ids[0]: 2}) == ", one of 2 seeds"
    assert title(first.result) == f"r (m, 4 shots, seed 0, {ids[0][:8]})"
    assert "one of 2 seeds" in title(first.result, {ids[0]: 2})


def test_what_is_unlike_besides_the_recipe_is_marked(record):
    tags = {"precision": "fp32", "workbench__protocol": "2", "dataset__fingerprint": "x", "language": "en"}
    first = record(said(FIRST), **tags)
    assert compare_runs(first, [record(said(OTHER), **tags)])[0].marks == ()
    assert compare_runs(first, [record(said(OTHER))])[0].marks == ()  # Nothing is recorded.
    assert compare_runs(record(said(FIRST)), [record(said(OTHER), **tags)])[0].marks == ()
    other = record(
        said(OTHER, names=("Ant", "bee", "cat")), precision="bf16", workbench__protocol="3", dataset__fingerprint="y",
        language="ja",
    )  # fmt: skip
    assert compare_runs(first, [other])[0].marks == (
        "the runs differ in precision: fp32 and bf16",
        "the runs differ in protocol: 2 and 3",
        "the runs differ in dataset fingerprint: x and y",
        "the runs differ in language: en and ja",
        "the runs call 1 classes otherwise, for example 'ant' and 'Ant'",
    )


@pytest.mark.parametrize("names", [NAMES, None])
def test_scores_of_another_tool_take_the_runs_labels(record, tmp_path, names):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, order = tmp_path / "theirs.parquet", np.random.default_rng(6).permutation(30)
    if names:
        said(OTHER, order, labels=None).write(path)
    else:
        pq.write_table(pa.table({"id": [IDS[i] for i in order], "scores": OTHER[order].tolist()}), path)
    first = record(said(FIRST), "mine")
    (found,) = compare_runs(first, [import_scores(path, NAMES)], seeds={first.result.run_id: 2})
    assert found.other == str(path)
    assert "theirs.parquet" in found.sentence
    value = compare_paired(said(FIRST).scores, said(OTHER).scores, LABELS, metric="accuracy").value
    assert found.difference.value == pytest.approx(value)
    unnamed = "" if names else " It names no classes; they are taken to be in the run's order."
    assert found.marks[0] == f"theirs.parquet was made by another tool.{unnamed}"
    assert found.marks[1].startswith("another seed can show")


def test_groups_of_seeds_are_measured_alike():
    a, b = measure_groups([[said(FIRST), said(OTHER)], [said(THIRD)]], ["A", "B"], "accuracy")
    hits = [np.mean(scores.argmax(axis=1) == LABELS) for scores in (FIRST, OTHER, THIRD)]
    assert a.by_seed == pytest.approx(hits[:2])
    assert a.value == pytest.approx(np.mean(hits[:2]))
    assert b.by_seed == pytest.approx(hits[2:])


def test_what_cannot_be_compared_is_refused_by_name(record, tmp_path):
    captions = CaptionPredictions(["x"], [None], ["a"], [["a"]], np.ones(1), np.ones(1))
    with pytest.raises(DataError, match="A and B are of different tasks"):
        measure_groups([[said(FIRST)], [captions]], ["A", "B"], "accuracy")
    with pytest.raises(DataError, match="A and B have different classes"):
        measure_groups([[said(FIRST)], [said(OTHER, names=("x", "y", "z"), keys=None)]], ["A", "B"], "accuracy")
    with pytest.raises(DataError, match="A and A have no labels"):
        measure_groups([[said(FIRST, labels=None)], [said(OTHER)]], ["A", "B"], "accuracy")
    fewer = ClassPredictions(IDS[:20], [None] * 20, LABELS[:20], OTHER[:20].astype(np.float32), NAMES)
    first, other = record(said(FIRST)), record(fewer)
    with pytest.raises(NotComparableError):
        compare_runs(first, [other])
    with pytest.raises(DataError, match=rf"run {first.result.run_id} and run .* have different classes"):
        compare_runs(first, [record(said(OTHER, names=("x", "y", "z"), keys=("x", "y", "z")))])
