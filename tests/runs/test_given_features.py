"""A suite on a file of embeddings: equal to the model's own numbers, missing images counted, texts asked for."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import workbench
from workbench.errors import WorkbenchError
from workbench.features.table import features_of_split, write_feature_table
from workbench.models import open_model

RECIPES = ["linear-probe", "knn", "nearest-class-mean", "zero-shot", "lora"]


@pytest.fixture
def embedded(make_colours, tiny_model, settings, tmp_path):
    """A folder of images, and the Parquet file that `workbench embed` writes of it."""
    folder = make_colours()
    dataset = workbench.open_dataset(folder, cache=settings.cache)
    rows, extraction = features_of_split(dataset, open_model(tiny_model, settings), "all", settings)
    write_feature_table(dataset, rows, extraction, tmp_path / "embedded.parquet")
    return folder, tmp_path / "embedded.parquet"


def run(folder, model, recipes, settings, **more):
    options = {"cache": settings.cache, "runs": settings.runs, "precision": "fp32", "device": "cpu", **more}
    frame = workbench.run(models=[model], datasets=[folder], recipes=recipes, **options)
    return {row["recipe"]: row for row in frame.to_dict("records")}


def test_recipes_on_features_say_what_they_say_of_the_model(embedded, tiny_model, settings):
    folder, file = embedded
    own = run(folder, tiny_model, RECIPES[:3], settings)
    given = run(folder, f"features:{file}", RECIPES, settings)
    for recipe in RECIPES[:3]:
        assert given[recipe]["status"] == "finished"
        assert given[recipe]["accuracy"] == own[recipe]["accuracy"]
        assert given[recipe]["nll"] == pytest.approx(own[recipe]["nll"], rel=1e-6)
    assert [given[recipe]["status"] for recipe in ("zero-shot", "lora")] == ["failed", "failed"]


def test_images_that_are_not_listed_count_as_unreadable(embedded, settings):
    folder, file = embedded
    table = pq.read_table(file)
    lost = table["id"].to_pylist().index("test/red/0.png")
    pq.write_table(table.take([i for i in range(len(table)) if i != lost]), file)
    model = f"features:{file}"
    with pytest.raises(WorkbenchError, match=r"1 of 24 test images cannot be read.*test/red/0.png \(is not listed in"):
        run(folder, model, ["knn"], settings, raise_error=True)
    made = run(folder, model, ["knn"], settings, max_unreadable=0.1)
    assert made["knn"]["status"] == "finished"


def test_texts_in_the_file_serve_zero_shot(embedded, tiny_model, settings, tmp_path):
    folder, file = embedded
    dataset = workbench.open_dataset(folder, cache=settings.cache)
    table, encoder = pq.read_table(file), open_model(tiny_model, settings)
    texts = sorted({text for texts in dataset.prompts.sentences("ensemble") for text in texts})
    np.savez(
        tmp_path / "with-texts.npz", id=table["id"].to_pylist(), projected=np.stack(table["projected"].to_numpy()),
        text=texts, text_projected=encoder.encode_texts(texts), logit_scale=encoder.logit_scale,
    )  # fmt: skip
    own = run(folder, tiny_model, ["zero-shot"], settings)["zero-shot"]
    given = run(folder, f"features:{tmp_path / 'with-texts.npz'}", ["zero-shot"], settings)["zero-shot"]
    assert given["nll"] == pytest.approx(own["nll"], rel=1e-5)
