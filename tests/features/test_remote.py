"""A feature store in an object store: two writers, interruptions, damage, readers who only read."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import numpy as np
import pytest

from tests.features.subjects import Folder, TinyEncoder, UnloadableEncoder, add_photos
from workbench.errors import WorkbenchError
from workbench.features import CacheError, FeatureStore, TextCache, extract
from workbench.features._remote import RemoteStore
from workbench.features.sharing import compact, publish, remote_usage
from workbench.files import sealed
from workbench.settings import Settings

pytest_plugins = ("tests.object_stores",)
ROOT = "s3://study/lab/features"


@pytest.fixture
def lab(tmp_path, s3):
    """Makes the store of a machine of the given name, with a cache of its own."""

    def make(name: str, *, writable: bool = False, shard_rows: int = 4) -> FeatureStore:
        cache = tmp_path / name
        remote = RemoteStore(ROOT, cache / "features-read", writable=writable)
        return FeatureStore(cache, shard_rows=shard_rows, remote=remote)

    return make


def run_all(dataset, encoder, store, rows=None):
    return extract(dataset, dataset.rows if rows is None else rows, encoder, store, batch_size=4)


def objects(s3, what="safetensors"):
    return sorted(name for name in s3.find("study", refresh=True) if what in name)


def test_what_one_machine_computes_the_next_reads(lab, dataset, encoder):
    first = run_all(dataset, encoder, lab("writer", writable=True))
    texts = TextCache(encoder, lab("writer", writable=True)).encode(["oak", "ash"])
    reader = lab("reader")
    second = run_all(dataset, UnloadableEncoder(), reader)
    np.testing.assert_array_equal(first.features.pooled, second.features.pooled)
    np.testing.assert_array_equal(first.features.projected, second.features.projected)
    assert second.computed == 0
    np.testing.assert_array_equal(TextCache(UnloadableEncoder(), reader).encode(["oak", "ash"]), texts)


def test_what_was_copied_needs_no_store(lab, dataset, encoder, s3, tmp_path):
    run_all(dataset, encoder, lab("writer", writable=True))
    run_all(dataset, UnloadableEncoder(), lab("reader"))
    s3.rm("study/lab", recursive=True)
    assert run_all(dataset, UnloadableEncoder(), lab("reader")).computed == 0
    assert run_all(dataset, UnloadableEncoder(), FeatureStore(tmp_path / "reader")).computed == 0


def test_a_reader_computes_what_is_new_and_writes_nothing(lab, dataset, encoder, photos, s3):
    run_all(dataset, encoder, lab("writer", writable=True))
    before = objects(s3, "")
    add_photos(photos, 3, first=100)
    assert run_all(Folder(photos), TinyEncoder(), lab("reader")).computed == 3
    assert objects(s3, "") == before


def test_only_shards_that_are_needed_are_copied(lab, dataset, encoder, tmp_path):
    run_all(dataset, encoder, lab("writer", writable=True))
    run_all(dataset, UnloadableEncoder(), lab("reader"), rows=[5])
    assert len(list((tmp_path / "reader" / "features").rglob("*.safetensors"))) == 1


def test_what_is_there_is_known_without_a_copy(lab, dataset, encoder, photos, tmp_path):
    run_all(dataset, encoder, lab("writer", writable=True))
    add_photos(photos, 1, first=100)
    grown, reader = Folder(photos), lab("reader")
    assert reader.images(encoder).has(grown.hashes(grown.rows)).tolist() == [True] * 23 + [False]
    assert not (tmp_path / "reader" / "features").exists()


def test_two_writers_lose_nothing_of_each_other(lab, dataset, encoder):
    one, two = lab("one", writable=True), lab("two", writable=True)
    for start in range(0, 23, 4):  # Turn by turn, and neither has seen what the other wrote since it began.
        run_all(dataset, encoder, (one, two)[start // 4 % 2], rows=dataset.rows[start : start + 4])
    assert run_all(dataset, UnloadableEncoder(), lab("reader")).readable.all()
    for store in (lab("one"), lab("two")):
        assert run_all(dataset, UnloadableEncoder(), store).computed == 0


def test_writers_go_on_while_commits_are_put_together(lab, dataset, encoder, s3, monkeypatch):
    run_all(dataset, encoder, lab("one", writable=True), rows=dataset.rows[:12])
    late = lab("two", writable=True)
    run_all(dataset, UnloadableEncoder(), late, rows=[0])
    table = next(iter(late._tables.values()))._remote
    original = type(table).commit

    def commit(self, shards):  # While they are put together, another commit comes, and another compaction, too.
        monkeypatch.setattr(type(table), "commit", original)
        run_all(dataset, encoder, late, rows=dataset.rows[12:])
        compact(RemoteStore(ROOT, late.root / "other"))
        return original(self, shards)

    monkeypatch.setattr(type(table), "commit", commit)
    compact(RemoteStore(ROOT, late.root / "another"))
    assert run_all(dataset, UnloadableEncoder(), lab("reader")).computed == 0
    compact(RemoteStore(ROOT, late.root / "another"))
    assert len(objects(s3, "/commits/")) == 1
    assert run_all(dataset, UnloadableEncoder(), lab("reader of one commit")).computed == 0


def test_an_interrupted_commit_is_not_seen_and_is_sent_later(lab, dataset, encoder, s3, tmp_path, monkeypatch):
    store = lab("writer", writable=True)
    monkeypatch.setattr("workbench.features._remote.RemoteTable.commit", lambda *_: (_ for _ in ()).throw(KeyError))
    with pytest.raises(KeyError):
        run_all(dataset, encoder, store, rows=dataset.rows[:4])
    monkeypatch.undo()
    assert (len(objects(s3)), len(objects(s3, "/commits/"))) == (1, 0)
    assert run_all(dataset, TinyEncoder(), lab("reader"), rows=dataset.rows[:4]).computed == 4
    (sent,) = publish(tmp_path / "writer", RemoteStore(ROOT, tmp_path / "read"))
    assert (sent.shards, sent.rows) == (1, 4)
    assert publish(tmp_path / "writer", RemoteStore(ROOT, tmp_path / "read")) == []
    assert run_all(dataset, UnloadableEncoder(), lab("next reader"), rows=dataset.rows[:4]).computed == 0


def test_what_interrupted_writers_left_goes_after_a_day(lab, dataset, encoder, s3, tmp_path, monkeypatch):
    run_all(dataset, encoder, lab("writer", writable=True))
    folder = objects(s3)[0].rpartition("/")[0]
    s3.pipe_file(f"{folder}/{'0' * 32}.safetensors", b"half")
    remote = RemoteStore(ROOT, tmp_path / "read")
    assert [table.abandoned for table in compact(remote)] == [0]
    monkeypatch.setattr("workbench.features.sharing._ABANDONED", timedelta(seconds=-60))
    assert [table.abandoned for table in compact(remote, dry_run=True)] == [1]
    assert len(objects(s3)) == 7
    compact(remote)
    assert len(objects(s3)) == 6
    assert run_all(dataset, UnloadableEncoder(), lab("reader")).computed == 0


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_shard_is_named_and_computed_again(lab, dataset, encoder, s3, caplog, damage):
    first = run_all(dataset, encoder, lab("writer", writable=True))
    victim = objects(s3)[1]
    data = bytearray(s3.cat_file(victim))
    data[len(data) // 2] ^= 0xFF
    if damage == "gone":
        s3.rm_file(victim)
    else:
        s3.pipe_file(victim, bytes(data if damage == "flipped" else data[:100]))
    reader = lab("reader", writable=True)
    second = run_all(dataset, TinyEncoder(), reader)
    assert 0 < second.computed <= 4
    assert second.corrupt_shards == [f"s3://{victim}"]
    assert f"s3://{victim} is " in caplog.text
    np.testing.assert_allclose(first.features.projected, second.features.projected, atol=1e-6)
    # What was computed again is added, so that nobody computes it a third time.
    assert run_all(dataset, UnloadableEncoder(), lab("next reader")).computed == 0


def test_what_is_damaged_here_is_copied_again(lab, dataset, encoder, tmp_path):
    first = run_all(dataset, encoder, lab("writer", writable=True))
    for victim in (tmp_path / "writer" / "features").rglob("*.safetensors"):
        data = bytearray(victim.read_bytes())
        data[-1] ^= 0xFF
        victim.write_bytes(data)
    again = run_all(dataset, UnloadableEncoder(), lab("writer"))
    assert (again.computed, len(again.corrupt_shards)) == (0, 6)
    np.testing.assert_array_equal(first.features.pooled, again.features.pooled)


def test_a_damaged_commit_is_named(lab, dataset, encoder, s3, caplog):
    run_all(dataset, encoder, lab("writer", writable=True))
    victim = objects(s3, "/commits/")[0]
    s3.pipe_file(victim, s3.cat_file(victim)[:-1] + b"?")
    assert run_all(dataset, TinyEncoder(), lab("reader")).computed in (3, 4)
    assert f"s3://{victim} cannot be used (checksum mismatch)" in caplog.text


def test_strange_objects_among_commits_do_no_harm(lab, dataset, encoder, s3, caplog, tmp_path):
    run_all(dataset, encoder, lab("writer", writable=True))
    folder = objects(s3, "/commits/")[0].rpartition("/")[0]
    s3.pipe_file(f"{folder}/{'0' * 32}", sealed(b"no commit at all"))
    s3.pipe_file(f"{folder}/README.txt", b"of the bucket's owner")
    assert run_all(dataset, UnloadableEncoder(), lab("reader")).computed == 0
    assert f"{'0' * 32} cannot be used (is no commit" in caplog.text
    said = [record.getMessage() for record in caplog.records if record.name.startswith("workbench")]
    assert len(said) == 1
    compact(RemoteStore(ROOT, tmp_path / "read"))
    assert len(objects(s3, "/commits/")) == 3


def test_a_store_that_cannot_be_written_stops_no_run(lab, dataset, encoder, s3, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(s3, "pipe_file", lambda *_: (_ for _ in ()).throw(PermissionError("Access Denied")))
    found = run_all(dataset, encoder, lab("writer", writable=True))
    assert found.computed == 23
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("workbench")]
    assert "Features are kept here alone: s3://study/lab/features/" in said
    assert "set AWS_ACCESS_KEY_ID" in said
    assert "`workbench cache publish` sends them later" in said
    monkeypatch.undo()
    assert sum(sent.rows for sent in publish(tmp_path / "writer", RemoteStore(ROOT, tmp_path / "read"))) == 23
    assert run_all(dataset, UnloadableEncoder(), lab("reader")).computed == 0


def test_no_thumbnail_leaves_the_machine(dataset, encoder, lab, s3, tmp_path):
    extract(dataset, dataset.rows, encoder, lab("writer", writable=True), thumbnails=True)
    publish(tmp_path / "writer", RemoteStore(ROOT, tmp_path / "read"))
    assert (tmp_path / "writer" / "features" / "thumbnails-1").is_dir()
    assert objects(s3)
    assert not objects(s3, "thumbnails")


def test_models_of_a_store_are_listed(lab, dataset, s3, tmp_path):
    for name in ("tiny", "other"):
        run_all(dataset, TinyEncoder(name=name), lab("writer", writable=True))
    usage = {entry.model: entry for entry in remote_usage(RemoteStore(ROOT, tmp_path / "read"))}
    assert usage.keys() == {"tiny", "other"}
    assert usage["tiny"].shards == 6
    fingerprint = hashlib.sha256(b"tiny fp32 16").hexdigest()
    assert usage["tiny"].address == f"{ROOT}/{fingerprint}"


def test_a_missing_package_is_one_sentence(dataset, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    store = FeatureStore(tmp_path, remote=RemoteStore("gs://lab/features", tmp_path / "read"))
    with pytest.raises(CacheError, match=r"^gs://lab/features: to read it, install gcsfs \(pip install .*\[remote\]"):
        run_all(dataset, UnloadableEncoder(), store)


def test_wrong_credentials_are_one_sentence(s3, afresh, lab, dataset, monkeypatch):
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    with pytest.raises(CacheError, match=r"^s3://study/lab/.*: is not open to you \(.*\); set AWS_ACCESS_KEY_ID"):
        run_all(dataset, UnloadableEncoder(), lab("reader"))


def test_a_bucket_that_is_not_there_is_said(s3, dataset, tmp_path):
    store = FeatureStore(tmp_path, remote=RemoteStore("s3://nowhere/features", tmp_path / "read"))
    with pytest.raises(CacheError, match=r"^s3://nowhere/.*: does not exist; check the address in WORKBENCH_FEATURES"):
        run_all(dataset, UnloadableEncoder(), store)


def test_settings_name_the_store(dataset, encoder, s3, tmp_path):
    settings = Settings(cache=tmp_path / "a", features=ROOT, publish_features=True)
    run_all(dataset, encoder, FeatureStore.of(settings))
    assert run_all(dataset, UnloadableEncoder(), FeatureStore.of(Settings(cache=tmp_path / "b", features=ROOT)).apart())
    with pytest.raises(WorkbenchError, match=r"^--features: expected an address in an object store"):
        Settings.load(tmp_path, features="/shared/features")


@pytest.mark.slow
def test_processes_write_at_once_and_one_is_killed(s3, photos, tmp_path):
    def process(name: str) -> subprocess.Popen[bytes]:
        body = (
            "import time\nfrom pathlib import Path\nfrom tests.features.subjects import Folder, TinyEncoder\n"
            "from workbench.features import FeatureStore, extract\nfrom workbench.features._remote import RemoteStore\n"
            f"cache = Path({str(tmp_path / name)!r})\ndata = Folder(Path({str(photos)!r}))\n"
            f"store = FeatureStore(cache, shard_rows=1, remote=RemoteStore({ROOT!r}, cache / 'read', writable=True))\n"
            "encoder = TinyEncoder()\nreal = encoder.encode_images\n"
            "def slow(pixels):\n    time.sleep(0.05)\n    return real(pixels)\n"
            "encoder.encode_images = slow\nprint('go', flush=True)\n"
            "extract(data, data.rows, encoder, store, batch_size=1)\n"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen([sys.executable, "-c", body], env=environment, stdout=subprocess.PIPE)

    writers = [process("one"), process("two"), process("killed")]
    for writer in writers:
        assert writer.stdout.readline() == b"go\n"
    deadline = time.monotonic() + 60
    while not objects(s3, "/commits/") and time.monotonic() < deadline:
        time.sleep(0.02)
    writers[2].kill()
    for writer in writers:
        writer.communicate(timeout=120)
    assert [writer.returncode for writer in writers] == [0, 0, -signal.SIGKILL]
    reader = FeatureStore(tmp_path / "reader", remote=RemoteStore(ROOT, tmp_path / "reader" / "read"))
    found = run_all(Folder(photos), UnloadableEncoder(), reader)
    assert (found.computed, found.corrupt_shards) == (0, [])
    alone = run_all(Folder(photos), TinyEncoder(), FeatureStore(tmp_path / "alone"))
    np.testing.assert_allclose(found.features.projected, alone.features.projected, atol=1e-5)
