from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dashboards.views.nearest import nearest_training_images
from dashboards.views.pictures import rows_by_id, thumbnail
from workbench.datasets import open_dataset
from workbench.errors import WorkbenchError
from workbench.features import FeatureStore, extract
from workbench.models import open_model


def test_thumbnails_fit_and_unreadable_files_have_none(make_colours, settings):
    folder = make_colours()
    (folder / "test" / "red" / "broken.png").write_bytes(b"no image")
    dataset = open_dataset(str(folder), settings)
    rows = rows_by_id(dataset)
    small = thumbnail(dataset, rows["test/red/0.png"], 16)
    assert max(Image.open(BytesIO(small)).size) == 16
    assert thumbnail(dataset, rows["test/red/broken.png"]) is None


def test_neighbours_are_the_training_images_of_highest_cosine(make_colours, settings, tiny_model):
    dataset = open_dataset(str(make_colours()), settings)
    encoder, store = open_model(tiny_model, settings), FeatureStore(settings.cache)
    row = int(dataset.rows("test")[0])
    with pytest.raises(WorkbenchError, match="workbench embed"):
        nearest_training_images(dataset, encoder, store, row)
    train = dataset.rows("train")
    pooled = extract(dataset, [row, *train], encoder, store).features.pooled.astype(float)
    found = nearest_training_images(dataset, encoder, store, row, count=3)
    cosines = [np.dot(pooled[0], each) / np.linalg.norm(pooled[0]) / np.linalg.norm(each) for each in pooled[1:]]
    best = np.argsort(cosines)[::-1][:3]
    assert [near for near, _ in found] == train[best].tolist()
    assert [cosine for _, cosine in found] == pytest.approx([cosines[i] for i in best], abs=1e-5)
