import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.datasets import open_dataset
from workbench.errors import DataError, WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.models import open_model
from workbench.search import ImageTerm, TextTerm, embed_image, nearest_images, open_gallery, search_images


def naive_scores(gallery, vector):
    found = extract(gallery.dataset, gallery.rows, gallery.encoder, gallery.store)
    return normalise(found.features.projected) @ normalise(vector)


def test_finds_the_largest_cosines(gallery):
    hits = search_images(gallery, "a red square", top=7)
    scores = naive_scores(gallery, gallery.encoder.encode_texts(["a red square"])[0])
    order = np.argsort(-scores, kind="stable")[:7]
    assert hits.rows.tolist() == gallery.rows[order].tolist()
    np.testing.assert_allclose(hits.scores, scores[order], atol=1e-6)
    assert hits.ids == tuple(gallery.dataset.ids(hits.rows))


def test_blocks_give_what_memory_gives(gallery):
    kept = search_images(gallery, "blue", top=5)
    gallery._kept, gallery.keep_bytes, gallery.block = None, 0, 4
    streamed = search_images(gallery, "blue", top=5)
    assert gallery._kept is None
    assert streamed.rows.tolist() == kept.rows.tolist()


def test_a_warm_search_loads_no_model(gallery, settings, tiny_model):
    query = [TextTerm("red"), TextTerm("blue", -0.5)]
    search_images(gallery, query)
    encoder = open_model(tiny_model, settings)
    again = open_gallery(gallery.dataset, encoder, FeatureStore(settings.cache))
    assert len(search_images(again, query, top=3)) == 3
    assert not encoder._loaded


def test_an_image_of_the_gallery_finds_itself_first(gallery, tmp_path):
    row = int(gallery.rows[5])
    path = tmp_path / "query.bin.png"
    path.write_bytes(gallery.dataset.read(row))
    term = ImageTerm(str(path), embed_image(path, gallery.encoder, gallery.store))
    hits = search_images(gallery, [term], top=2)
    assert hits.rows[0] == row
    assert hits.scores[0] == pytest.approx(1, abs=1e-5)


def test_neighbours_leave_the_image_itself_out(gallery):
    row = int(gallery.rows[3])
    hits = nearest_images(gallery, row, top=100)
    assert sorted([*hits.rows.tolist(), row]) == sorted(gallery.rows.tolist())
    own = extract(gallery.dataset, [row], gallery.encoder, gallery.store).features.projected[0]
    assert hits.scores[0] == pytest.approx(np.sort(naive_scores(gallery, own))[-2], abs=1e-5)
    assert len(nearest_images(gallery, row, top=4)) == 4


def test_one_split_alone_is_searched(gallery):
    part = open_gallery(gallery.dataset, gallery.encoder, gallery.store, "val")
    assert sorted(part.rows.tolist()) == sorted(gallery.dataset.rows("val").tolist())
    outside = next(row for row in gallery.dataset.rows("test").tolist())
    with pytest.raises(DataError, match="not among"):
        nearest_images(part, outside)


def test_copies_are_found_once_and_damaged_images_named(make_colours, tiny_model, settings):
    folder = make_colours()
    (folder / "test" / "red" / "copy.png").write_bytes((folder / "test" / "red" / "0.png").read_bytes())
    (folder / "test" / "red" / "broken.png").write_bytes(b"not an image")
    dataset = open_dataset(str(folder), settings)
    gallery = open_gallery(dataset, open_model(tiny_model, settings), FeatureStore(settings.cache))
    assert len(gallery) == len(dataset) - 2
    assert [name for name, _ in gallery.unreadable] == ["test/red/broken.png"]
    assert len(search_images(gallery, "red", top=1000)) == len(gallery)


@pytest.mark.parametrize(("query", "top"), [("", 5), ("  ", 5), ([], 5), ("red", 0)])
def test_empty_queries_are_refused(gallery, query, top):
    with pytest.raises(WorkbenchError, match="search"):
        search_images(gallery, query, top)


def test_an_image_that_is_none_is_refused(gallery, tmp_path):
    (tmp_path / "x.png").write_bytes(b"nothing")
    for name in ("x.png", "missing.png"):
        with pytest.raises(DataError, match=name):
            embed_image(tmp_path / name, gallery.encoder, gallery.store)


def test_visitors_who_share_a_gallery_read_its_features_once(gallery, monkeypatch):
    read, real = [], gallery.features

    def slow(start, stop):
        read.append((start, stop))
        time.sleep(0.05)
        return real(start, stop)

    monkeypatch.setattr(gallery, "features", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: list(gallery.blocks()), range(4)))
    assert len(read) == 1
