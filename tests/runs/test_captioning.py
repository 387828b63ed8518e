"""Captioning runs: captions from other images, captions written by CoCa, and what is kept of them."""

import csv

import numpy as np
import pytest
from PIL import Image

from workbench import run
from workbench.cli import main
from workbench.datasets import open_dataset
from workbench.errors import RecipeError
from workbench.features import FeatureStore, extract
from workbench.images import ImageSet
from workbench.metrics.captions import caption_metrics
from workbench.metrics.captions_clip import clip_scores
from workbench.models import open_model
from workbench.runs.apply import predict_folder
from workbench.runs.comparisons import compare_suite
from workbench.runs.finished import FinishedRun
from workbench.tasks import CaptionPredictions
from workbench.tracking import open_store

SAID = {"red": "a sheet of red paper", "green": "some green cloth", "blue": "a blue screen that shines"}
CARD = """
name = "sheets"
task = "captioning"
primary_metric = "cider"
[source]
type = "folder"
path = "sheets"
[columns]
caption = "caption"
"""


@pytest.fixture
def card(tmp_path, write_colours):
    root = tmp_path / "sheets"
    write_colours(root)
    for split in ("train", "val", "test"):
        with (root / split / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["file_name", "caption"])
            for path in sorted((root / split).rglob("*.png")):
                colour = path.parent.name
                table.writerow([path.relative_to(root / split).as_posix(), SAID[colour]])
                table.writerow([path.relative_to(root / split).as_posix(), f"{SAID[colour]}, number {path.stem}"])
    path = tmp_path / "sheets.toml"
    path.write_text(CARD, encoding="utf-8")
    return path


def finished(frame, settings):
    assert frame["status"].tolist() == ["finished"]
    return FinishedRun.open(frame["run_id"][0], settings)


def test_captions_of_other_images_are_found_and_kept(card, tiny_model, settings):
    options = {"models": [tiny_model], "datasets": [str(card)], **settings.model_dump(include={"cache", "runs"})}
    frame = run(recipes=["caption-retrieval"], precision="fp32", device="cpu", **options)
    done = finished(frame, settings)
    kept = done.predictions
    assert isinstance(kept, CaptionPredictions)
    again = caption_metrics(
        kept.captions, kept.references, extra={"clip_score": kept.clip_scores, "ref_clip_score": kept.ref_clip_scores}
    )
    assert {name: frame[name][0] for name in again} == pytest.approx({k: v.value for k, v in again.items()})
    assert frame["cider"][0] > 1
    assert frame["test_images"][0] == 24
    assert kept.scores_of("cider").values.mean() == pytest.approx(frame["cider"][0])
    (entry,) = compare_suite(open_store(settings), frame["suite"][0]).results
    assert (entry.metric, entry.estimate.value) == ("cider", pytest.approx(frame["cider"][0]))
    # Captions come from training, and never from test.
    dataset = open_dataset(str(card), settings)
    known = {text for own in dataset.captions(dataset.rows("train")) for text in own}
    assert set(kept.captions) <= known
    assert done.result.tags["workbench.primary_metric"] == "cider"
    # CLIPScore is that of the run's own model, with the paper's words before each caption.
    encoder = open_model(tiny_model, settings)
    rows = dataset.rows("test")
    place = {name: i for i, name in enumerate(dataset.ids(rows))}
    images = extract(dataset, rows, encoder, FeatureStore(settings.cache)).features.projected
    texts = encoder.encode_texts([f"A photo depicts {text}" for text in kept.captions])
    naive = clip_scores(images[[place[name] for name in kept.ids]], texts)
    np.testing.assert_allclose(kept.clip_scores, naive, atol=1e-5)


def test_a_restored_captioner_says_the_same(card, tiny_model, settings):
    options = {"models": [tiny_model], "datasets": [str(card)], **settings.model_dump(include={"cache", "runs"})}
    for config in ({"by": "text"}, {"by": "image", "neighbours": [3]}):
        frame = run(
            recipes=[{"recipe": "caption-retrieval", "config": config}], precision="fp32", device="cpu",
            name=config["by"], **options,
        )  # fmt: skip
        done = finished(frame, settings)
        dataset = open_dataset(str(card), settings)
        rows = dataset.rows("test")
        found = extract(dataset, rows, open_model(tiny_model, settings), FeatureStore(settings.cache)).features
        images = ImageSet(len(rows), lambda found=found: found, [].__getitem__)
        assert done.predictor().captions(images) == list(done.predictions.captions)
        assert done.config["report"]["chosen"]["by"] == config["by"]


def test_a_finished_run_captions_a_folder(card, tiny_model, settings, capsys):
    options = {"models": [tiny_model], "datasets": [str(card)], **settings.model_dump(include={"cache", "runs"})}
    entry = {"recipe": "caption-retrieval", "config": {"by": "image", "neighbours": [3]}}
    frame = run(recipes=[entry], precision="fp32", device="cpu", **options)
    folder = card.parent / "new"
    folder.mkdir()
    Image.new("RGB", (40, 40), (40, 180, 40)).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"broken")
    found = predict_folder(finished(frame, settings), folder)
    assert [(each.file, "caption" not in each.answer, each.error is None) for each in found] == [
        ("a.png", False, True), ("b.png", True, False),
    ]  # fmt: skip
    assert any(found[0].answer["caption"].startswith(said) for said in SAID.values())
    with pytest.raises(SystemExit) as exit_:
        main(["predict", frame["run_id"][0], str(folder)])
    assert exit_.value.code in {0, None}
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["caption"] for row in rows] == [found[0].answer["caption"], ""]


def test_a_bank_of_captions(card, tiny_model, settings, tmp_path):
    bank = tmp_path / "bank.txt"
    bank.write_text("one thing\n\nanother thing\none thing\n", encoding="utf-8")
    options = {"models": [tiny_model], "datasets": [str(card)], **settings.model_dump(include={"cache", "runs"})}
    entry = {"recipe": "caption-retrieval", "config": {"by": "text", "bank": str(bank)}}
    frame = run(recipes=[entry], precision="fp32", device="cpu", **options)
    assert set(finished(frame, settings).predictions.captions) <= {"one thing", "another thing"}
    bank.write_text("a third thing", encoding="utf-8")
    frame = run(recipes=[entry], precision="fp32", device="cpu", **options)
    assert set(finished(frame, settings).predictions.captions) == {"a third thing"}
    bank.unlink()
    with pytest.raises(RecipeError, match=r"recipe 'caption-retrieval': .*bank\.txt: cannot be read"):
        run(recipes=[entry], precision="fp32", device="cpu", **options)
    bank.write_text("one thing", encoding="utf-8")
    wrong = run(recipes=[{**entry, "config": {"bank": str(bank)}}], precision="fp32", device="cpu", **options)
    assert wrong["status"].tolist() == ["failed"]


def test_coca_writes_and_other_models_cannot(card, tiny_model, tiny_coca, settings, tmp_path):
    options = {"datasets": [str(card)], **settings.model_dump(include={"cache", "runs"})}
    entry = {"recipe": "coca", "config": {"max_length": 8}}
    frame = run(models=[tiny_coca], recipes=[entry], precision="fp32", device="cpu", **options)
    done = finished(frame, settings)
    captions = done.predictions.captions
    assert len(set(captions)) >= 1
    assert all(captions)
    images = [Image.new("RGB", (40, 40), (200, 40, 40)), Image.new("RGB", (40, 40), (40, 60, 200))]
    written = done.predictor().captions(ImageSet(2, lambda: pytest.fail("no feature is needed"), images.__getitem__))
    assert len(written) == 2
    refused = run(models=[tiny_model], recipes=["coca"], name="refused", precision="fp32", device="cpu", **options)
    assert refused["status"].tolist() == ["failed"]
