"""A store whose folder was moved or copied finds its artifacts beside it, and goes on there."""

import shutil

import pytest

from workbench.errors import WorkbenchError
from workbench.settings import Settings
from workbench.tracking import RunRecorder, open_store, read_runs
from workbench.tracking.reading import artifact_path


def record(store, text):
    """A finished run with one artifact."""

    def write(folder):
        (folder / "said.txt").write_text(text)

    recorder = RunRecorder.begin(store, "leaves", "a run", {"shots": "0"}, {"workbench.run_key": text})
    folder = store.runs / "work"
    folder.mkdir(parents=True, exist_ok=True)
    write(folder)
    recorder.finish({"accuracy": 0.5}, {}, folder, ())
    shutil.rmtree(folder, ignore_errors=True)


def test_artifacts_are_found_and_written_where_the_store_is_now(tmp_path):
    old, new = tmp_path / "old" / "runs", tmp_path / "new" / "runs"
    record(open_store(Settings(runs=old)), "before")
    new.parent.mkdir()
    old.rename(new)
    store = open_store(Settings(runs=new))
    (run,) = read_runs(store)
    assert artifact_path(store, run, "said.txt").read_text() == "before"
    record(store, "after")
    for found in read_runs(open_store(Settings(runs=new))):
        path = artifact_path(store, found, "said.txt")
        assert path.is_relative_to(new)
        assert path.read_text() == found.key
    assert not old.exists()


def test_a_copy_leaves_the_original_as_it_is(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    record(open_store(Settings(runs=old)), "before")
    shutil.copytree(old, new)
    store = open_store(Settings(runs=old))
    (run,) = read_runs(store)
    assert artifact_path(store, run, "said.txt").is_relative_to(old)


def test_an_artifact_that_is_nowhere_is_said(tmp_path):
    store = open_store(Settings(runs=tmp_path))
    record(store, "before")
    (run,) = read_runs(store)
    artifact_path(store, run, "said.txt").unlink()
    with pytest.raises(WorkbenchError, match=r"'said\.txt' is missing"):
        artifact_path(store, run, "said.txt")
