"""`features:FILE`: files of every kind, joined by id, hash and slide name, and what is wrong with them."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file

from workbench.errors import ModelError
from workbench.models import open_model
from workbench.models.embeddings import read_embeddings
from workbench.settings import Settings

IDS = ["a/0.png", "a/1.png", "b/0.png"]
VALUES = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
TEXTS = ["a cat", "a dog"]
TEXT_VALUES = VALUES[:2] - 20
HASHES = [hashlib.blake2b(name.encode(), digest_size=32).hexdigest() for name in IDS]


def lists(values):
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def write_parquet(path: Path):
    values = np.concatenate([VALUES, TEXT_VALUES])
    table = pa.table({
        "id": pa.array([*IDS, None, None], pa.string()), "projected": lists(values),
        "pooled": lists(2 * values), "text": pa.array([None, None, None, *TEXTS], pa.string()),
    })  # fmt: skip
    pq.write_table(table.replace_schema_metadata({"logit_scale": "30.5", "logit_bias": "-2"}), path)


def write_npz(path: Path):
    np.savez(
        path, id=IDS, projected=VALUES, pooled=2 * VALUES, text=TEXTS, text_projected=TEXT_VALUES, logit_scale=30.5,
        logit_bias=-2.0,
    )  # fmt: skip


def write_safetensors(path: Path):
    tensors = {"features": VALUES, "pooled": 2 * VALUES, "text_projected": TEXT_VALUES}
    metadata = {"id": json.dumps(IDS), "text": json.dumps(TEXTS), "logit_scale": "30.5", "logit_bias": "-2"}
    save_file(tensors, path, metadata=metadata)


def write_hdf5(path: Path):
    with h5py.File(path, "w") as file:
        file["id"], file["text"] = IDS, TEXTS
        file["projected"], file["pooled"], file["text_projected"] = VALUES, 2 * VALUES, TEXT_VALUES
        file["logit_scale"], file["logit_bias"] = 30.5, -2.0


WRITERS = {".parquet": write_parquet, ".npz": write_npz, ".safetensors": write_safetensors, ".h5": write_hdf5}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_kind_of_file_gives_the_same(suffix, tmp_path, settings: Settings):
    path = tmp_path / f"embeddings{suffix}"
    WRITERS[suffix](path)
    encoder = open_model(f"features:{path}", settings)
    assert (encoder.embed_dim, encoder.pooled_dim, encoder.logit_scale, encoder.logit_bias) == (4, 4, 30.5, -2.0)
    listed, features = encoder.given([IDS[2], "other.png", IDS[0]], np.zeros((3, 32), np.uint8))
    assert listed.tolist() == [0, 2]
    np.testing.assert_array_equal(features.projected, VALUES[[2, 0]])
    np.testing.assert_array_equal(features.pooled, 2 * VALUES[[2, 0]])
    np.testing.assert_array_equal(encoder.encode_texts(["a dog", "a cat"]), TEXT_VALUES[::-1])
    with pytest.raises(ModelError, match="1 text more is needed, such as 'a bird'"):
        encoder.encode_texts(["a cat", "a bird"])
    for ask in (encoder.load, lambda: encoder.encode_images(torch.zeros(1, 3, 8, 8))):
        with pytest.raises(ModelError, match="need the model itself"):
            ask()


def test_content_hashes_join_whatever_images_are_called(tmp_path, settings):
    np.savez(tmp_path / "h.npz", hash=HASHES, projected=VALUES)
    encoder = open_model(f"features:{tmp_path / 'h.npz'}", settings)
    keys = np.frombuffer(bytes.fromhex(HASHES[1] + HASHES[0] + "00" * 32), np.uint8).reshape(3, 32)
    listed, features = encoder.given(["x", "y", "z"], keys)
    assert listed.tolist() == [0, 1]
    np.testing.assert_array_equal(features.projected, VALUES[[1, 0]])
    np.testing.assert_array_equal(features.pooled, features.projected)


def test_slides_as_trident_writes_them(tmp_path, settings):
    """One file a slide: of a slide encoder (d,), or of patches with their coordinates, which are averaged."""
    for name, values in (("s1", VALUES), ("s2", VALUES[0])):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["features"], file["coords"] = values, np.zeros((3, 2), np.int64)
    encoder = open_model(f"features:{tmp_path}", settings)
    keys = np.eye(3, 32, dtype=np.uint8)
    listed, features = encoder.given(["slides/s2.svs", "slides/s1.tif", "s3.svs"], keys)
    assert listed.tolist() == [0, 1]
    np.testing.assert_allclose(features.projected, [VALUES[0], VALUES.mean(axis=0)])
    assert "mean of its patches" in (encoder.notice or "")
    with pytest.raises(ModelError, match=r"'slides/s1\.tif' and 'other/s1\.tif' are different images"):
        encoder.given(["other/s1.tif"], keys[2:])


def test_what_is_computed_depends_on_the_content_alone(tmp_path, settings):
    write_npz(tmp_path / "a.npz")
    first = open_model(f"features:{tmp_path / 'a.npz'}", settings)
    assert first.lineage is None and "embeddings from a.npz" in (first.notice or "")
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes())
    bf16 = settings.model_copy(update={"precision": "bf16"})
    assert open_model(f"features:{tmp_path / 'b.npz'}", bf16).fingerprint == first.fingerprint
    np.savez(tmp_path / "b.npz", id=IDS, projected=VALUES + 1)
    assert open_model(f"features:{tmp_path / 'b.npz'}", settings).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"id": IDS}, "has no 'projected' or 'features'"),
        ({"projected": VALUES}, "has neither 'id' nor 'hash'"),
        ({"id": IDS[:2], "projected": VALUES}, "3 embeddings, but 2 rows of 'id'"),
        ({"id": ["x", "y", "x"], "projected": VALUES}, "id 'x' is there twice"),
        ({"id": IDS, "projected": VALUES[0]}, "of shape \\(4,\\)"),
        ({"id": IDS, "projected": np.where(VALUES == 7, np.nan, VALUES)}, "row 1 \\('a/1.png'\\) is zero, NaN"),
        ({"hash": ["12"] * 3, "projected": VALUES}, "64 hexadecimal digits"),
        ({"id": IDS, "projected": VALUES, "text": TEXTS}, "embeddings of texts have shape \\(0, 4\\)"),
        ({"id": IDS, "projected": VALUES, "text": TEXTS, "text_projected": VALUES[:2, :3]}, "have shape \\(2, 3\\)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(arrays, words, tmp_path, settings):
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(ModelError, match=words):
        open_model(f"features:{tmp_path / 'f.npz'}", settings)


def test_places_and_kinds(tmp_path, settings):
    for name, words in (("none.npz", "there is no such file"), ("x.csv", "'?.csv'? is unknown"), ("", "no .h5 file")):
        if name == "x.csv":
            (tmp_path / name).write_text("id,x\n")
        with pytest.raises(ModelError, match=words):
            open_model(f"features:{tmp_path / name}", settings)
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(ModelError, match=r"damaged\.parquet: cannot be read"):
        read_embeddings(tmp_path / "damaged.parquet")
    np.savez(tmp_path / "pickled.npz", id=np.array(["a", None], object), projected=VALUES[:2])
    with pytest.raises(ModelError, match=r"pickled\.npz: cannot be read"):
        read_embeddings(tmp_path / "pickled.npz")
