"""Other tools' scores are read, aligned and compared; what does not fit is refused by name."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import DataError
from workbench.metrics import NotComparableError, compare_paired
from workbench.runs import FinishedRun
from workbench.runs.comparisons.imported import import_scores
from workbench.runs.comparisons.runs import compare_runs
from workbench.tasks import ClassPredictions
from workbench.tracking import RunResult

CLASSES = ("ash", "birch", "cedar")


@pytest.fixture
def run(settings):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    scores = rng.normal(size=(60, 3)).astype(np.float32)
    scores[np.arange(60), labels] += 1.5
    result = RunResult("run0", "s", "m", "trees", "botany", "classification", "probe", "4", 0, "finished")
    found = FinishedRun(result, settings)
    # Stands for the file that it would be read from.
    found.__dict__["predictions"] = ClassPredictions([str(i) for i in range(60)], [None] * 60, labels, scores, CLASSES)
    return found


def write(path, ids, scores, metadata=None, **columns):
    table = pa.table({"id": pa.array(ids), "scores": pa.array(scores), **columns})
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def test_rows_in_any_order_and_integer_ids_compare_as_they_should(run, tmp_path):
    rng = np.random.default_rng(1)
    theirs = rng.normal(size=(60, 3))
    order = rng.permutation(60)
    path = write(tmp_path / "other.parquet", order, theirs[order].tolist())
    (found,) = compare_runs(run, [import_scores(path, CLASSES)])
    expected = compare_paired(run.predictions.scores, theirs.astype(np.float32), run.predictions.labels)
    assert found.difference == expected
    assert found.other == str(path)
    assert "other.parquet" in found.sentence
    assert "taken to be in the run's order" in found.marks[0]


def test_the_workbenchs_own_file_is_such_a_file(run, tmp_path):
    run.predictions.write(tmp_path / "predictions.parquet")
    imported = import_scores(tmp_path / "predictions.parquet", CLASSES)
    (found,) = compare_runs(run, [imported])
    assert imported.named_classes
    assert (found.difference.value, found.difference.p_value) == (0, 1)


@pytest.mark.parametrize(
    ("scores", "metadata", "words"),
    [
        ([[0.1, 0.2]] * 60, None, "a list of 3 numbers, one a class; row 0 has 2 values"),
        ([[0.1, 0.2, 0.3]] * 59 + [None], None, "row 59 has None"),
        ([0.1] * 60, None, "row 0 has 0.1"),
        ([["a", "b", "c"]] * 60, None, "scores: expected numbers"),
        (
            [[0.1, 0.2, 0.3]] * 60,
            {"class_names": json.dumps(["birch", "ash"])},
            "class_names: expected a JSON list of 3",
        ),
        (
            [[0.1, 0.2, 0.3]] * 60,
            {"class_keys": json.dumps(["a", "a", "b"])},
            "class_keys: expected .* different names",
        ),
        ([[0.1, 0.2, 0.3]] * 60, {"class_names": "birch, ash, cedar"}, "class_names: not valid JSON"),
    ],
)
def test_scores_that_do_not_fit_are_refused(tmp_path, scores, metadata, words):
    path = write(tmp_path / "other.parquet", range(60), scores, metadata)
    with pytest.raises(DataError, match=f"other.parquet: .*{words}"):
        import_scores(path, CLASSES)


def test_a_file_that_is_none_or_lacks_a_column_is_refused(tmp_path):
    (tmp_path / "text.parquet").write_text("no parquet")
    for name in ("text.parquet", "missing.parquet"):
        with pytest.raises(DataError, match=f"{name}: cannot be read as Parquet"):
            import_scores(tmp_path / name, CLASSES)
    pq.write_table(pa.table({"id": [1], "logits": [[1.0]]}), tmp_path / "logits.parquet")
    with pytest.raises(DataError, match="'scores' is missing; it has: id, logits"):
        import_scores(tmp_path / "logits.parquet", CLASSES)


def test_other_items_other_labels_and_nan_are_refused(run, tmp_path):
    some = np.zeros((59, 3)).tolist()
    with pytest.raises(NotComparableError, match="1 are in A only"):
        compare_runs(run, [import_scores(write(tmp_path / "a.parquet", range(59), some), CLASSES)])
    wrong = pa.array((run.predictions.labels + 1) % 3)
    path = write(tmp_path / "b.parquet", range(60), np.zeros((60, 3)).tolist(), label=wrong)
    with pytest.raises(NotComparableError, match="labels of 60 test items"):
        compare_runs(run, [import_scores(path, CLASSES)])
    path = write(tmp_path / "c.parquet", range(60), np.full((60, 3), np.nan).tolist())
    with pytest.raises(DataError, match="NaN in 60 of 60 rows"):
        compare_runs(run, [import_scores(path, CLASSES)])


def test_columns_are_matched_by_name_or_raw_label(run, tmp_path):
    theirs = np.random.default_rng(1).normal(size=(60, 3))
    expected = compare_paired(run.predictions.scores, theirs.astype(np.float32), run.predictions.labels)
    order = [2, 0, 1]
    run.__dict__["predictions"] = replace(run.predictions, class_keys=("f_excelsior", "b_pendula", "c_libani"))
    for key, names in (("class_names", CLASSES), ("class_keys", run.predictions.class_keys)):
        said = {key: json.dumps([names[i] for i in order])}
        labels = pa.array(np.argsort(order)[run.predictions.labels])
        path = write(tmp_path / f"{key}.parquet", range(60), theirs[:, order].tolist(), said, label=labels)
        (found,) = compare_runs(run, [import_scores(path, CLASSES)])
        assert found.difference == expected
        assert "order" not in found.marks[0]
    path = write(tmp_path / "x.parquet", range(60), theirs.tolist(), {"class_names": json.dumps(["ash", "birch", "x"])})
    with pytest.raises(DataError, match=r"different classes .*'x' on one side only, 'cedar' on the other"):
        compare_runs(run, [import_scores(path, CLASSES)])


@pytest.mark.parametrize(
    "labels",
    [
        lambda own: pa.array([CLASSES[i] for i in own]),
        lambda own: pa.array([str(i) for i in own]),
        lambda own: pa.array([float(i) for i in own]),
        lambda own: pa.array(own, pa.uint64()),
    ],
    ids=["names", "digits", "floats", "uint64"],
)
def test_labels_of_any_type_are_checked(run, tmp_path, labels):
    scores = np.zeros((60, 3)).tolist()
    own = run.predictions.labels.tolist()
    compare_runs(run, [import_scores(write(tmp_path / "a.parquet", range(60), scores, label=labels(own)), CLASSES)])
    wrong = labels([(i + 1) % 3 for i in own])
    with pytest.raises(NotComparableError, match="labels of 60 test items"):
        compare_runs(run, [import_scores(write(tmp_path / "b.parquet", range(60), scores, label=wrong), CLASSES)])


@pytest.mark.parametrize("value", [None, "oak", 0.5, 3, 2**63, "1e0"])
def test_a_label_that_means_no_column_is_refused(tmp_path, value):
    values = pa.array([value, value], pa.uint64()) if value == 2**63 else pa.array([value, value])
    path = write(tmp_path / "a.parquet", [0, 1], [[0.0, 0.0, 0.0]] * 2, label=values)
    with pytest.raises(DataError, match=r"label: row 0 has .*expected the index of a column"):
        import_scores(path, CLASSES)
