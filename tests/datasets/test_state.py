"""Whatever byte of whatever file a dataset is read from changes, the dataset is read anew; else nothing is."""

import io
import json
import os
import random
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.datasets.coco_files import COLOURS, instances, refs, write
from tests.datasets.dwc_files import archive, observations, packed, photo, photos, tabbed
from workbench.datasets import manifest_cache, open_dataset
from workbench.settings import Settings

CLASSES = ("ash", "birch")


def png(seed):
    image = Image.effect_noise((16, 16), 40 + seed)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def images(folder, prefix=""):
    """Names of 12 images below a folder, with their classes."""
    names = [(f"{prefix}{name}{i}.png", name) for name in CLASSES for i in range(6)]
    for seed, (name, _) in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(seed))
    return names


def card(root, source):
    (root / "card.toml").write_text(
        'name = "trees"\ntitle = "Trees"\nfield = "botany"\ntask = "classification"\n'
        f"[source]\n{source}\n[columns]\nlabel = 'label'\n"
    )
    return root / "card.toml"


def class_folders(root):
    for name in CLASSES:
        images(root / "data" / name)
    return root / "data"


def metadata(root):
    names = images(root / "data")
    (root / "data" / "metadata.csv").write_text("file_name,label\n" + "".join(f"{n},{c}\n" for n, c in names))
    return root / "data"


def metadata_outside(root):
    names = images(root / "pool")
    (root / "data").mkdir()
    (root / "data" / "metadata.csv").write_text("file_name,label\n" + "".join(f"../pool/{n},{c}\n" for n, c in names))
    return root / "data"


def metadata_of_links(root):
    names = images(root / "pool")
    (root / "data").mkdir()
    for name, _ in names:
        (root / "data" / name).symlink_to(root / "pool" / name)
    (root / "data" / "metadata.csv").write_text("file_name,label\n" + "".join(f"{n},{c}\n" for n, c in names))
    return root / "data"


def csv_table(root):
    names = images(root / "pool")
    (root / "table.csv").write_text("image,label\n" + "".join(f"{n},{c}\n" for n, c in names))
    return card(root, "type = 'csv'\npath = 'table.csv'\nroot = 'pool'")


def jsonl_tables(root):
    names = images(root / "pool", "pool/")
    for split in ("train", "test"):
        lines = (json.dumps({"image": n.removeprefix("pool/"), "label": c}) for n, c in names)
        (root / f"{split}.jsonl").write_text("\n".join(lines))
    return card(root, "type = 'jsonl'\npath = {train = 'train.jsonl', test = 'test.jsonl'}\nroot = 'pool/pool'")


def parquet_bytes(root):
    names = images(root / "pool")
    values = [{"bytes": taken(root / "pool" / n), "path": n} for n, _ in names]
    return parquet(root, values, names)


def parquet_paths(root):
    names = images(root / "pool")
    return parquet(root, [f"pool/{n}" for n, _ in names], names)


def parquet_both(root):
    names = images(root / "pool")
    values = [
        {"bytes": None if i % 2 else taken(root / "pool" / n), "path": f"pool/{n}"} for i, (n, _) in enumerate(names)
    ]
    return parquet(root, values, names)


def taken(path):
    """A file's bytes; it is no longer there afterwards."""
    data = path.read_bytes()
    path.unlink()
    return data


def parquet(root, values, names):
    pq.write_table(pa.table({"image": values, "label": [c for _, c in names]}), root / "table.parquet")
    return card(root, "type = 'parquet'\npath = 'table.parquet'")


def webdataset(root):
    for shard in range(2):
        with tarfile.open(root / f"{shard}.tar", "w") as tar:
            for i, name in enumerate(CLASSES * 4):
                for suffix, data in (("png", png(8 * shard + i)), ("cls", name.encode())):
                    member = tarfile.TarInfo(f"{i:03}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    (root / "card.toml").write_text(
        'name = "trees"\ntitle = "Trees"\nfield = "botany"\ntask = "classification"\n'
        "[source]\ntype = 'webdataset'\npath = '{0..1}.tar'\n"
    )
    return root / "card.toml"


def coco(root):
    write(root / "instances.json", instances(root / "pool", 12, lambda i: (tuple(COLOURS)[i % 3],)))
    return coco_card(root, "", "task = 'classification'", "")


def coco_crops(root):
    write(root / "instances.json", instances(root / "pool"))
    return coco_card(root, "crops = true", "task = 'classification'", "")


def coco_expressions(root):
    write(root / "instances.json", instances(root / "pool"))
    write(root / "refs.json", refs())
    columns = "[columns]\nboxes = 'boxes'\ninstruction = 'instructions'"
    return coco_card(root, "refs = 'refs.json'", "task = 'grounding'", columns)


def coco_card(root, more, task, columns):
    source = f"[source]\ntype = 'coco'\npath = 'instances.json'\nroot = 'pool'\n{more}"
    (root / "card.toml").write_text(f"name = 'squares'\n{task}\n{source}\n{columns}\n")
    return root / "card.toml"


def dwc_archive(root):
    packed(root / "download.zip", archive())
    return dwc_card(root, "download.zip")


def dwc_table(root):
    (root / "table.txt").write_text(tabbed([{**row, "associatedMedia": own["identifier"]} for row, own in OBSERVED]))
    return dwc_card(root, "table.txt")


def dwc_card(root, path):
    for n in range(48):
        photo(root / "photos" / f"{70000 + n}.png", n)
    source = f"[source]\ntype = 'darwin-core'\npath = '{path}'\nroot = 'photos'"
    (root / "card.toml").write_text(f"name = 'trees'\n{source}\n")
    return root / "card.toml"


OBSERVED = list(zip(observations(), photos()[::2], strict=True))
KINDS = [
    class_folders, metadata, metadata_outside, metadata_of_links, csv_table, jsonl_tables, parquet_bytes, parquet_paths,
    parquet_both, webdataset, coco, coco_crops, coco_expressions, dwc_archive, dwc_table,
]  # fmt: skip


@pytest.mark.parametrize("make", KINDS)
def test_any_changed_byte_is_noticed_and_nothing_else_is_read_again(make, tmp_path, monkeypatch):
    root, settings = tmp_path / "root", Settings(cache=tmp_path / "cache")
    root.mkdir()
    argument = str(make(root))
    first = open_dataset(argument, settings)
    made = []
    build = manifest_cache.build_manifest
    monkeypatch.setattr(manifest_cache, "build_manifest", lambda *values: made.append(1) or build(*values))
    assert open_dataset(argument, settings).fingerprint == first.fingerprint
    assert made == []
    draw = random.Random(make.__name__)
    inside = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    files = sorted(path for path in inside if path.name != "card.toml")
    tables = [path for path in files if path.suffix in {".csv", ".json", ".jsonl", ".parquet", ".txt", ".zip"}]
    unnoticed = []
    for path in [*draw.sample(files, min(4, len(files))), *tables]:
        before, stat = path.read_bytes(), path.stat()
        place = draw.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        made.clear()
        try:
            open_dataset(argument, settings)
        except Exception:  # A damaged table may be refused: that is noticed, too.
            made.append(1)
        if not made:
            unnoticed.append((path.name, place))
        path.write_bytes(before)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        open_dataset(argument, settings)
    assert unnoticed == []
    assert open_dataset(argument, settings).fingerprint == first.fingerprint
