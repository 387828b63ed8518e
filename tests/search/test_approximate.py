from types import SimpleNamespace

import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.errors import WorkbenchError
from workbench.search import approximate, approximate_index, top_rows


class PlantedGallery:
    """Clustered unit vectors in blocks; only what an index asks of a gallery."""

    def __init__(self, n, name="planted"):
        rng = np.random.default_rng(0)
        centres = rng.normal(size=(20, 16))
        self.rows = normalise((centres[rng.integers(0, 20, n)] + 0.4 * rng.normal(size=(n, 16))).astype(np.float32))
        self.encoder = SimpleNamespace(embed_dim=16)
        self.name = name

    def __len__(self):
        return len(self.rows)

    def blocks(self):
        return ((start, self.rows[start : start + 500]) for start in range(0, len(self.rows), 500))

    def fingerprint(self):
        return self.name


@pytest.fixture
def _faiss():
    pytest.importorskip("faiss", reason="faiss-cpu is not installed (extra search)")


@pytest.mark.usefixtures("_faiss")
def test_recall_is_what_a_count_finds(tmp_path):
    gallery = PlantedGallery(3000)
    index = approximate_index(gallery, tmp_path)
    assert 1 <= index.recall.probes <= index.recall.lists
    assert index.recall.value >= 0.9
    shares = []
    for query in gallery.rows[::60]:
        exact = top_rows(query[None], gallery.blocks(), 10)[0][0]
        places, scores = index.search(query, 10)
        shares.append(len(set(exact.tolist()) & set(places.tolist())) / 10)
        np.testing.assert_allclose(scores, gallery.rows[places] @ query, atol=1e-5)
        assert (np.diff(scores) <= 0).all()
    assert np.mean(shares) == pytest.approx(index.recall.value, abs=0.08)


@pytest.mark.usefixtures("_faiss")
def test_an_index_is_built_once_and_anew_when_damaged(tmp_path):
    gallery = PlantedGallery(200)
    first = approximate_index(gallery, tmp_path)
    (path,) = (tmp_path / "search").glob("*.faiss")
    made = path.stat().st_mtime_ns
    again = approximate_index(gallery, tmp_path)
    assert (path.stat().st_mtime_ns, again.recall) == (made, first.recall)
    flipped = bytearray(path.read_bytes())
    flipped[-100] ^= 1  # faiss reads this without a word.
    for damaged, content in ((path, bytes(flipped)), (path, b"damaged"), (path.with_suffix(".about"), b"{}")):
        damaged.write_bytes(content)
        third = approximate_index(gallery, tmp_path)
        assert third.search(gallery.rows[3], 1)[0].tolist() == [3]
        assert path.stat().st_mtime_ns != made
        assert damaged.with_name(damaged.name + ".corrupt").exists()
        made = path.stat().st_mtime_ns
    approximate_index(PlantedGallery(200, "other"), tmp_path)
    assert len(list((tmp_path / "search").glob("*.faiss"))) == 2


@pytest.mark.usefixtures("_faiss")
def test_a_gallery_of_one(tmp_path):
    gallery = PlantedGallery(1)
    index = approximate_index(gallery, tmp_path)
    assert (index.recall.value, index.recall.at) == (1.0, 1)
    assert index.search(gallery.rows[0], 10)[0].tolist() == [0]


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(approximate, "find_spec", lambda _: None)
    with pytest.raises(WorkbenchError, match=r"clip-workbench\[search\]"):
        approximate_index(PlantedGallery(5), tmp_path)
