"""A warm open reads the manifest only; what changed, and nothing else, is hashed again."""

import hashlib
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.datasets import open_dataset
from workbench.datasets.manifest import Manifest
from workbench.datasets.manifest_file import read_manifest
from workbench.errors import DataError
from workbench.files import read_sealed, write_sealed
from workbench.settings import Settings


def manifests(settings: Settings) -> list[Path]:
    return sorted((settings.cache / "manifests").rglob("*.manifest"))


def opened(folder: Path, settings: Settings):
    dataset = open_dataset(str(folder), settings)
    return dataset, dataset.manifest.hashed


def by_id(manifest: Manifest) -> dict[str, bytes]:
    return {r.id: h.tobytes() for r, h in zip(manifest.records, manifest.hashes, strict=True)}


def test_hashes_are_blake2b_of_the_encoded_bytes(class_folders, settings):
    dataset, hashed = opened(class_folders, settings)
    assert hashed == 60
    for name, digest in by_id(dataset.manifest).items():
        assert digest == hashlib.blake2b((class_folders / name).read_bytes(), digest_size=32).digest()


def test_warm_open_opens_no_image(class_folders, settings):
    cold, _ = opened(class_folders, settings)
    touched: list[str] | None = []

    def watch(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and touched is not None:
            touched.append(str(args[0]))

    sys.addaudithook(watch)  # It stays for the life of the process.
    warm, hashed = opened(class_folders, settings)
    seen, touched = touched, None
    assert hashed == 0
    assert [path for path in seen if "flora" in path] == []
    assert warm.fingerprint == cold.fingerprint
    assert warm.notes == cold.notes
    for split in ("train", "val", "test"):
        assert warm.ids(warm.rows(split)) == cold.ids(cold.rows(split))


def test_progress_is_told_up_to_the_end(class_folders, settings):
    told = []
    open_dataset(str(class_folders), settings, lambda done, total: told.append((done, total)))
    assert told[-1] == (60, 60)
    told.clear()
    open_dataset(str(class_folders), settings, lambda done, total: told.append((done, total)))
    assert told == []


def test_a_grown_dataset_hashes_only_what_is_new(class_folders, settings, jpeg):
    opened(class_folders, settings)
    (class_folders / "oak" / "new one.jpg").write_bytes(jpeg(999))
    dataset, hashed = opened(class_folders, settings)
    assert hashed == 1
    assert len(dataset) == 61
    assert opened(class_folders, settings)[1] == 0


def test_a_removed_file_is_gone(class_folders, settings):
    opened(class_folders, settings)
    (class_folders / "oak" / "bild 00.jpg").unlink()
    dataset, hashed = opened(class_folders, settings)
    assert (len(dataset), hashed) == (59, 0)


@pytest.mark.parametrize("same_size", [True, False])
def test_a_changed_file_is_hashed_again_at_once(class_folders, settings, same_size):
    target = class_folders / "oak" / "bild 03.jpg"
    before, _ = opened(class_folders, settings)
    data = bytearray(target.read_bytes())
    data[-3] ^= 1
    target.write_bytes(bytes(data) if same_size else bytes(data) + b"\0")
    after, hashed = opened(class_folders, settings)
    assert hashed == 1
    old, new = by_id(before.manifest), by_id(after.manifest)
    assert {name for name in new if new[name] != old[name]} == {"oak/bild 03.jpg"}
    assert after.fingerprint != before.fingerprint


def test_a_file_that_changes_while_it_is_hashed_is_found_out(class_folders, settings, jpeg, monkeypatch):
    target = class_folders / "oak" / "bild 00.jpg"
    from workbench.datasets.sources.folder import FolderReader

    original = FolderReader.read

    def read(self, location):
        data = original(self, location)
        if location.file == "oak/bild 00.jpg":
            target.write_bytes(jpeg(4242))
        return data

    monkeypatch.setattr(FolderReader, "read", read)
    opened(class_folders, settings)
    monkeypatch.undo()
    dataset, hashed = opened(class_folders, settings)
    assert hashed == 1
    expected = hashlib.blake2b(target.read_bytes(), digest_size=32).digest()
    assert by_id(dataset.manifest)["oak/bild 00.jpg"] == expected


def test_renamed_files_change_nothing_that_is_computed(class_folders, settings):
    before, _ = opened(class_folders, settings)
    for i, path in enumerate(sorted((class_folders / "oak").iterdir())):
        path.rename(path.with_name(f"renamed {97 - 3 * i}.jpg"))
    after, _ = opened(class_folders, settings)
    assert after.fingerprint == before.fingerprint
    for split in ("train", "val", "test"):
        a, b = before.rows(split), after.rows(split)
        assert (before.hashes(a) == after.hashes(b)).all()
        assert (before.labels(a) == after.labels(b)).all()
    assert before.ids(before.rows("train")) != after.ids(after.rows("train"))


@pytest.mark.parametrize("spoilt", ["missing", "empty"])
def test_files_without_content_join_no_groups(tmp_path, settings, jpeg, spoilt):
    root = tmp_path / "patients"
    root.mkdir()
    lines = ["file_name,label,group"]
    for i in range(60):
        name = f"{i}.jpg"
        if i % 5 or spoilt == "empty":
            (root / name).write_bytes(jpeg(i) if i % 5 else b"")
        lines.append(f"{name},{'ab'[i % 2]},p{i // 5}")
    (root / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    dataset = open_dataset(str(root), settings)
    assert "in 2 of 12 groups" in dataset.notes[0] or "in 3 of 12 groups" in dataset.notes[0]
    assert "12 of 60 images are missing, empty or cannot be read: 0.jpg, 10.jpg, 15.jpg" in " ".join(dataset.notes)
    assert dataset.manifest.lacks_content.sum() == 12
    groups = [set(dataset.group_names(dataset.rows(split))) for split in ("train", "val", "test")]
    assert sum(map(len, groups)) == 12
    assert "group" not in " ".join(dataset.notes[2:])


def test_a_manifest_of_an_earlier_format_is_made_anew_from_its_hashes(class_folders, settings):
    before, _ = opened(class_folders, settings)
    (path,) = manifests(settings)
    content = read_sealed(path)
    assert content is not None
    table = pq.read_table(io.BytesIO(content))
    split = pa.array(["train"] * len(table), pa.string())
    old = table.set_column(table.column_names.index("split"), "split", split)
    buffer = io.BytesIO()
    pq.write_table(old.replace_schema_metadata({**table.schema.metadata, b"format": b"4"}), buffer)
    write_sealed(path, buffer.getvalue())
    assert read_manifest(path) is None
    after, hashed = opened(class_folders, settings)
    assert hashed == 0
    assert after.fingerprint == before.fingerprint


def test_another_card_for_the_same_files_hashes_nothing(class_folders, settings, tmp_path):
    opened(class_folders, settings)
    card = tmp_path / "flora.toml"
    card.write_text('name = "flora"\n[source]\ntype = "folder"\npath = "flora"\n[splits]\nseed = 7\n', encoding="utf-8")
    dataset = open_dataset(str(card), settings)
    assert dataset.manifest.hashed == 0
    assert "seed 7" in dataset.notes[0]


@pytest.mark.parametrize("damage", ["empty", "half", "flip", "footer", "text"])
def test_a_damaged_manifest_is_said_and_made_anew(class_folders, settings, damage, caplog):
    good, _ = opened(class_folders, settings)
    (path,) = manifests(settings)
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[-300 if damage == "footer" else 200] ^= 0xFF
    whole = bytes(flipped)
    path.write_bytes(
        {"empty": b"", "half": data[: len(data) // 2], "flip": whole, "footer": whole, "text": b"no"}[damage]
    )
    assert read_manifest(path) is None
    assert "is damaged; it was moved aside" in caplog.text
    dataset, hashed = opened(class_folders, settings)
    assert hashed == 60
    assert dataset.fingerprint == good.fingerprint
    assert opened(class_folders, settings)[1] == 0


def test_missing_files_keep_their_row_without_a_hash(tmp_path, settings, jpeg):
    root = tmp_path / "set"
    root.mkdir()
    names = [f"{i}.jpg" for i in range(12)]
    for i, name in enumerate(names[:-1]):
        (root / name).write_bytes(jpeg(i))
    lines = [f"{name},{'ab'[i % 2]}" for i, name in enumerate(names)]
    (root / "metadata.csv").write_text("\n".join(["file_name,label", *lines]), encoding="utf-8")
    dataset, _ = opened(root, settings)
    row = dataset.ids(range(12)).index("11.jpg")
    assert not dataset.hashes([row]).any()
    with pytest.raises(DataError, match=r"11\.jpg: cannot be read"):
        dataset.read(row)
    (root / "11.jpg").write_bytes(jpeg(11))
    assert opened(root, settings)[0].hashes([row]).any()


def test_a_cache_that_cannot_be_written_is_one_sentence(class_folders, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(DataError, match=r"cache cannot be written.*WORKBENCH_CACHE"):
        open_dataset(str(class_folders), Settings(cache=tmp_path / "file"))


def test_no_disk_space_is_one_sentence_and_leaves_no_part(class_folders, settings, monkeypatch):
    import pyarrow.parquet as pq

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(DataError, match="No space left on device"):
        open_dataset(str(class_folders), settings)
    assert [path for path in (settings.cache / "manifests").rglob("*") if path.is_file() and path.name != ".lock"] == []


_OPEN = """
import sys
from pathlib import Path
from workbench.datasets import open_dataset
from workbench.settings import Settings
print("ready", flush=True)
sys.stdin.readline()
dataset = open_dataset(sys.argv[1], Settings(cache=Path(sys.argv[2])))
print(dataset.manifest.hashed, dataset.fingerprint)
"""


def test_two_processes_at_once_hash_once_and_agree(class_folders, settings):
    command = [sys.executable, "-c", _OPEN, str(class_folders), str(settings.cache)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    threads = [threading.Thread(target=lambda p=p: (p.stdin.write("go\n"), p.stdin.flush())) for p in processes]
    for thread in threads:
        thread.start()
    answers = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sorted(int(hashed) for hashed, _ in answers) == [0, 60]
    assert answers[0][1] == answers[1][1]
    assert len(manifests(settings)) == 1


def test_files_with_names_that_are_no_text_are_refused(class_folders, settings, jpeg):
    bad = os.fsencode(class_folders / "oak") + b"/\xff\xfe.jpg"
    try:
        with open(bad, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
            file.write(jpeg(1))
    except OSError:
        pytest.skip("this file system allows only UTF-8 names")
    with pytest.raises(DataError, match="not valid UTF-8; rename"):
        opened(class_folders, settings)


def test_a_read_that_failed_once_is_tried_again(class_folders, settings, monkeypatch):
    from workbench.datasets.sources.folder import FolderReader

    original = FolderReader.read

    def read(self, location):
        if location.file == "oak/bild 00.jpg":
            raise DataError("input/output error")
        return original(self, location)

    monkeypatch.setattr(FolderReader, "read", read)
    dataset, _ = opened(class_folders, settings)
    assert (~dataset.hashes(range(60)).any(axis=1)).sum() == 1
    monkeypatch.undo()
    dataset, hashed = opened(class_folders, settings)
    assert hashed == 1
    assert dataset.hashes(range(60)).any(axis=1).all()
