"""Servers that fail: said within seconds, and nothing that was computed is lost or doubled."""

import json
import time

import pytest

from workbench.tracking import RunRecorder, StoreError, read_runs, schema, sync, sync_before
from workbench.tracking.examining import examine_store


def began(store, key="k" * 20, name="a run"):
    tags = {schema.RUN_KEY: key, schema.LABEL: name}
    params = {"model": "m", "dataset": "d", "recipe": "r", "seed": 0}
    return RunRecorder.begin(store, "s", name, params, tags)


def finish(recorder, tmp_path, accuracy=0.5):
    folder = tmp_path / "files"
    (folder / "predictor").mkdir(parents=True, exist_ok=True)
    (folder / "predictions.parquet").write_bytes(b"p" * 100)
    (folder / "predictor" / "weights.safetensors").write_bytes(b"w" * 1000)
    return recorder.finish({"accuracy": accuracy}, {"notes": "n"}, folder, {"loss": [2.0, 1.0]}).kept


@pytest.mark.parametrize("fault", ["500", "hang", "close", "stopped"])
def test_a_server_that_is_down_is_a_sentence_within_seconds(server, store, fault):
    if fault == "stopped":
        server.stop()
    else:
        server.fault = fault
    start = time.monotonic()
    with pytest.raises(StoreError, match=r"http://ann:\*\*\*@127.*does not answer.*--tracking-uri") as raised:
        read_runs(store)
    assert time.monotonic() - start < 4
    assert "s3cretive" not in str(raised.value)


def test_what_is_no_mlflow_server_is_said(server, store, monkeypatch):
    monkeypatch.setattr(server, "answer", lambda path, asked: (404, {}))  # noqa: ARG005
    with pytest.raises(StoreError, match=r"404.*the address of an MLflow server"):
        store.link.check()


def test_a_run_of_a_healthy_server_leaves_nothing_in_the_spool(server, store, tmp_path):
    assert finish(began(store), tmp_path) == ""
    (run,) = server.finished()
    assert run["metrics"]["accuracy", 0] == 0.5
    assert run["metrics"]["epoch_loss", 2] == 1.0
    assert {name.partition("/")[2] for name in server.files} == {
        "predictions.parquet",
        "predictor/weights.safetensors",
    }
    assert not store.spool.folder.exists()


@pytest.mark.parametrize("fault", ["500", "hang", "close", "stopped"])
def test_a_run_that_was_begun_is_finished_by_sync_under_its_id(server, store, tmp_path, fault):
    recorder = began(store)
    if fault == "stopped":
        server.stop()
    else:
        server.fault = fault
    assert "it is kept in" in finish(recorder, tmp_path)
    (entry,) = store.spool.entries(store.server)
    assert entry.record.metrics == {"accuracy": 0.5}
    with pytest.raises(StoreError):
        sync(store)
    assert server.finished() == []
    server.stop()
    server.again()
    assert sync(store).sent == ["s: a run"]
    (run,) = server.finished()
    assert run["info"]["run_id"] == recorder.run_id
    assert run["info"]["end_time"] == entry.record.ended
    assert run["params"]["model"] == "m"
    assert schema.SPOOL not in run["tags"]
    assert len(server.files) == 2
    assert store.spool.entries(store.server) == []


def test_a_dead_server_is_asked_once_and_again_only_after_a_while(server, store, tmp_path, monkeypatch):
    first = began(store)
    server.fault = "500"
    finish(first, tmp_path)
    calls = server.calls
    for n in range(3):
        finish(began(store, key=f"{n}" * 20), tmp_path)
    assert server.calls == calls
    assert len(store.spool.entries(store.server)) == 4
    server.fault = ""
    monkeypatch.setattr(store.link, "_next", 0.0)
    assert finish(began(store, key="x" * 20), tmp_path) == ""
    assert len(sync(store).sent) == 4
    assert len(server.finished()) == len(server.runs) == 5


def test_sync_doubles_nothing_and_the_newest_of_a_key_stays(server, store, tmp_path, monkeypatch):
    old = began(store)
    finish(old, tmp_path, 0.1)
    server.fault = "close"
    store.link.note(OSError("gone"))
    time.sleep(0.002)
    finish(began(store), tmp_path, 0.2)  # The same key, made again: it replaces the old run.
    server.fault = ""
    assert sync(store).sent
    assert [run["metrics"]["accuracy", 0] for run in server.finished()] == [0.2]
    store.link.note(OSError("gone"))
    lost = began(store)
    finish(lost, tmp_path, 0.3)
    monkeypatch.setattr(store.link, "_next", 0.0)
    finish(began(store), tmp_path, 0.4)  # Meanwhile another process has made it.
    assert sync(store).superseded == ["s: a run"]
    assert 0.3 not in [run["metrics"]["accuracy", 0] for run in server.finished()]
    assert store.spool.entries(store.server) == []


def test_an_answer_that_was_lost_makes_no_second_run(server, store, tmp_path, monkeypatch):
    store.link.note(OSError("gone"))
    finish(began(store), tmp_path)
    real = server.answer

    def dies_after_create(path, asked):
        found = real(path, asked)
        if path == "runs/create":
            server.fault = "close"
            return 500, {}
        return found

    monkeypatch.setattr(server, "answer", dies_after_create)
    assert sync(store).remaining
    assert len(server.runs) == 1
    monkeypatch.setattr(server, "answer", real)
    server.fault = ""
    assert sync(store).sent
    assert len(server.runs) == len(server.finished()) == 1


@pytest.mark.parametrize("status", [413, 500])
def test_artifacts_that_are_refused_leave_the_numbers_and_are_named(server, store, tmp_path, status):
    server.artifact_fault = status
    server.artifact_suffix = ".safetensors" if status == 413 else ""
    said = finish(began(store), tmp_path)
    assert "predictor/weights.safetensors" in said
    assert str(status) in said
    (run,) = server.finished()
    assert run["metrics"]["accuracy", 0] == 0.5
    assert "weights.safetensors" in run["tags"][schema.ARTIFACTS_MISSING]
    assert ("predictions.parquet" in said) == (status == 500)
    calls = server.calls
    told = []
    sync_before(store, told.append)  # What the server has refused is not sent again by every command.
    assert server.calls == calls
    assert "workbench sync" in told[0]
    server.artifact_fault = 0
    store.link.artifacts = ""
    assert sync(store).sent
    assert schema.ARTIFACTS_MISSING not in server.finished()[0]["tags"]
    assert len(server.files) == 2
    assert len(server.runs) == 1


def test_the_spool_holds_no_password_and_knows_its_server(server, store, tmp_path):
    store.link.note(OSError(f"cannot reach {store.uri}"))
    finish(began(store, name=f"on {store.uri}"), tmp_path)
    text = "".join(path.read_text(errors="replace") for path in store.spool.folder.rglob("*") if path.is_file())
    assert "s3cretive" not in text
    (entry,) = store.spool.entries(server.uri)
    assert entry.server == server.uri


def test_what_one_suite_lacks_holds_up_no_command(server, store, tmp_path, monkeypatch):
    store.link.note(OSError("gone"))
    finish(began(store), tmp_path)
    real = server.answer

    def deleted(path, asked):
        status, found = real(path, asked)
        if path == "experiments/get-by-name":
            return 200, {"experiment": {"experiment_id": "7", "name": "s", "lifecycle_stage": "deleted"}}
        return status, found

    monkeypatch.setattr(server, "answer", deleted)
    told = []
    sync_before(store, told.append)
    assert "mlflow experiments restore -x 7" in told[0]
    monkeypatch.setattr(server, "answer", real)
    assert sync(store).sent


def test_damage_is_named_and_moved_aside(server, store, tmp_path):
    store.link.note(OSError("gone"))
    for key in "ab":
        finish(began(store, key=key * 20), tmp_path)
    first, second = sorted(path for path in store.spool.folder.iterdir() if path.is_dir())
    (first / "artifacts" / "predictions.parquet").write_bytes(b"other")
    (second / "record.json").write_text(json.dumps({}))
    found = sync(store)
    assert found.sent == []
    assert {reason.partition(" ")[0] for reason in found.damaged.values()} == {
        "artifacts/predictions.parquet",
        "record.json",
    }
    assert {path.name for path in (store.spool.folder / "damaged").iterdir()} == {first.name, second.name}
    assert sync(store).damaged == {}


def test_doctor_writes_into_one_run_and_says_what_fails(server, store):
    for _ in range(2):
        fact, *wrong = examine_store(store)
        assert wrong == []
        assert "answers in" in fact
    assert len(server.runs) == 1
    server.artifact_fault = 413
    fact, problem = examine_store(store)
    assert "413" in problem
    server.stop()
    fact, problem = examine_store(store)
    assert "does not answer" in fact
    assert "Start it" in problem
    assert "s3cretive" not in fact + problem
