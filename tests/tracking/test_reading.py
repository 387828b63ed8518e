"""The quick SQLite reader tells what MLflow's own client tells."""

import sqlite3

import pytest

from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.tracking import RunRecorder, open_store, read_runs, schema
from workbench.tracking._server import read_server
from workbench.tracking.reading import artifact_path, one_run


@pytest.fixture
def store(settings, tmp_path):
    store = open_store(settings)
    params = {
        "model": "m",
        "dataset": "d",
        "field": "f",
        "task": "classification",
        "recipe": "r",
        "shots": 4,
        "seed": 1,
    }
    for number in range(3):
        recorder = RunRecorder.begin(
            store, "one" if number < 2 else "two", f"run {number}", {**params, "recipe.rank": number},
            {schema.RUN_KEY: f"key{number}"},
        )  # fmt: skip
        if number == 0:
            recorder.fail("it broke")
            continue
        folder = tmp_path / f"artifacts{number}"
        folder.mkdir()
        (folder / "note.txt").write_text(str(number))
        recorder.finish({"accuracy": number / 4, "bad": float("nan")}, {"x": "y"}, folder, {"loss": [2.0, 1.0]})
    # Runs of other tools in the same store are not ours.
    store.client.create_run(store.experiment("one"))
    return store


def test_both_readers_agree(store):
    quick = {run.run_id: run for run in read_runs(store)}
    slow = {run.run_id: run for page in read_server(store, None, None, None) for run in page}
    assert len(quick) == 3
    assert quick.keys() == slow.keys()
    for run_id, run in quick.items():
        other = slow[run_id]
        assert run.metrics == pytest.approx(other.metrics)
        assert (run.params, run.status, run.suite, run.seed, run.key) == (
            other.params, other.status, other.suite, other.seed, other.key,
        )  # fmt: skip


def test_the_newest_is_the_last_begun_whatever_the_clock_said(store):
    newest = read_runs(store)[0]
    with sqlite3.connect(store.sqlite_file) as connection:
        connection.execute("UPDATE runs SET start_time = 5 WHERE run_uuid = ?", [newest.run_id])
    connection.close()
    assert read_runs(store)[0].run_id == newest.run_id
    numbers = [run.number for run in read_runs(store)]
    assert numbers == sorted(numbers, reverse=True)


def test_filters_status_and_values(store):
    assert {run.status for run in read_runs(store, "one")} == {"failed", "finished"}
    (run,) = read_runs(store, "two")
    assert run.metrics == {"accuracy": 0.5, "epoch_loss": 1.0}
    assert run.params == {"rank": "2"}
    assert read_runs(store, "three") == []


def test_by_run_key_with_both_readers(store):
    (quick,) = read_runs(store, key="key1")
    ((slow,),) = read_server(store, None, None, "key1")
    assert quick.run_id == slow.run_id


def test_deleted_runs_are_gone_with_their_artifacts(store):
    (run,) = read_runs(store, "two")
    folder = artifact_path(store, run, "note.txt").parents[1]
    store.delete_run(run.run_id, run.artifact_uri)
    assert read_runs(store, "two") == []
    assert not folder.exists()
    assert folder.parent.exists()


def test_a_run_by_the_beginning_of_its_id_and_its_artifact(store):
    (run,) = read_runs(store, "two")
    assert one_run(store, run.run_id[:10]) == run
    assert artifact_path(store, run, "note.txt").read_text() == "2"
    with pytest.raises(WorkbenchError, match=r"missing\.txt.*missing"):
        artifact_path(store, run, "missing.txt")
    with pytest.raises(WorkbenchError, match="No run 'zzz'"):
        one_run(store, "zzz")


def test_a_store_that_is_not_there_is_empty_and_one_that_is_none_says_so(tmp_path):
    assert read_runs(open_store(Settings(runs=tmp_path / "none"))) == []
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "mlflow.db").write_text("this is no database, but text" * 100)
    with pytest.raises(WorkbenchError, match=r"mlflow\.db: cannot be read"):
        read_runs(open_store(Settings(runs=tmp_path / "bad")))
