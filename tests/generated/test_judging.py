import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.arrays import normalise
from workbench.cli import main
from workbench.errors import DataError
from workbench.features import FeatureStore, extract
from workbench.features.unlabelled import ImageFiles
from workbench.generated import judge, read_prompts, record_judgement, reference_features
from workbench.metrics.generation import cmmd
from workbench.models import open_model
from workbench.tracking import open_store, read_runs
from workbench.tracking.reading import artifact_path


@pytest.fixture
def encoder(tiny_model, settings):
    return open_model(tiny_model, settings)


def features_of(folder, files, encoder, settings):
    found = extract(ImageFiles(folder, files), np.arange(len(files)), encoder, FeatureStore(settings.cache))
    return found.features.projected


def test_scores_equal_a_loop(make_generated, encoder, settings):
    images = read_prompts(make_generated())
    found = judge(images, encoder, FeatureStore(settings.cache))
    features = normalise(features_of(images.folder, images.files, encoder, settings))
    texts = normalise(encoder.encode_texts(images.prompts))
    naive = [2.5 * max(0, float(a @ b)) for a, b in zip(features, texts, strict=True)]
    np.testing.assert_allclose(found.clip_scores, naive, atol=1e-5)
    assert found.estimates["clip_score"].value == pytest.approx(np.mean(naive), abs=1e-5)
    right = [images.prompts[int(np.argmax(features[i] @ texts.T))] == images.prompts[i] for i in range(len(texts))]
    assert found.estimates["prompt_accuracy"].value == pytest.approx(np.mean(right))
    assert [a == b for a, b in zip(found.nearest, images.prompts, strict=True)] == right
    assert found.different_prompts == 3
    assert found.distances == {}


def test_prompts_that_the_tokenizer_makes_the_same_are_one(make_generated, encoder, settings):
    folder, store = make_generated(), FeatureStore(settings.cache)
    plain = judge(read_prompts(folder), encoder, store)
    table = (folder / "metadata.csv").read_text(encoding="utf-8")
    for file in ("0-0", "0-1", "1-3"):
        table = re.sub(rf"({file}.png),a (\w+) sheet", r"\1,A \2   Sheet", table)
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    found = judge(read_prompts(folder), encoder, store)
    assert found.estimates["prompt_accuracy"].value == plain.estimates["prompt_accuracy"].value > 0
    assert found.estimates["prompt_accuracy"].n_groups == found.different_prompts == 3
    right = [a == b for a, b in zip(found.nearest, found.images.prompts, strict=True)]
    assert np.mean(right) == found.estimates["prompt_accuracy"].value
    (note,) = found.images.notes
    assert note.startswith("4 of 5 prompts are to the model the same")
    assert plain.images.notes == ()


def test_distance_from_a_folder_and_from_a_dataset(make_generated, make_colours, encoder, settings):
    images = read_prompts(make_generated())
    photos = make_colours()
    whole = reference_features(str(photos), encoder, settings)
    part = reference_features(str(photos), encoder, settings, "val")
    assert (len(whole.features), len(part.features)) == (51, 9)
    found = judge(images, encoder, FeatureStore(settings.cache), whole)
    own = features_of(images.folder, images.files, encoder, settings)
    assert found.distances["cmmd"] == pytest.approx(cmmd(own, whole.features))
    assert found.distances["cmmd_unbiased"] < found.distances["cmmd"]
    assert found.reference == (str(photos), 51)
    assert judge(images, encoder, FeatureStore(settings.cache)).digest != found.digest


def test_damaged_images_are_named_or_too_many(make_generated, encoder, settings):
    folder = make_generated()
    (folder / "1-0.png").write_bytes(b"broken")
    images = read_prompts(folder)
    with pytest.raises(DataError, match=r"1 of 12.*1-0.png"):
        judge(images, encoder, FeatureStore(settings.cache))
    found = judge(images, encoder, FeatureStore(settings.cache), max_unreadable=0.1)
    assert [name for name, _ in found.unreadable] == ["1-0.png"]
    assert len(found.clip_scores) == 11
    assert "1-0.png" not in found.images.files


@pytest.mark.parametrize("split", ["all", "train"])
def test_damaged_images_of_the_reference_are_said_and_counted_or_too_many(
    make_generated, make_colours, encoder, settings, split
):
    photos = make_colours()
    (photos / "train" / "red" / "0.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"--reference .*1 of (51|18) images.*--max-unreadable.*red/0.png"):
        reference_features(str(photos), encoder, settings, split)
    lenient = settings.model_copy(update={"max_unreadable": 0.1})
    other = reference_features(str(photos), encoder, lenient, split)
    found = judge(read_prompts(make_generated()), encoder, FeatureStore(settings.cache), other)
    assert any("left out" in note and "red/0.png" in note for note in found.images.notes)
    record_judgement(found, encoder, settings, "made")
    (run,) = read_runs(open_store(settings), "made")
    assert run.metrics["unreadable_reference_images"] == 1
    assert run.metrics["reference_images"] == (50 if split == "all" else 17)


def test_equal_copies_count_once_in_a_folder_as_in_a_dataset(make_colours, encoder, settings):
    photos = make_colours()
    whole = reference_features(str(photos), encoder, settings)
    for split in ("train", "test"):
        for image in (photos / split / "red").glob("*.png"):
            image.with_name(f"copy-{image.name}").write_bytes(image.read_bytes())
    folder = reference_features(str(photos), encoder, settings)
    dataset = reference_features(str(photos), encoder, settings, "train")
    assert (len(whole.features), len(folder.features), len(dataset.features)) == (51, 51, 18)
    assert cmmd(folder.features, whole.features) == pytest.approx(0, abs=1e-6)


def test_an_empty_reference_is_refused(tmp_path, encoder, settings):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image"):
        reference_features(str(tmp_path / "empty"), encoder, settings)


def test_a_judgement_is_a_run_and_replaces_its_like(make_generated, encoder, settings):
    images = read_prompts(make_generated())
    found = judge(images, encoder, FeatureStore(settings.cache))
    record_judgement(found, encoder, settings, "made")
    run_id = record_judgement(found, encoder, settings, "made")
    (run,) = read_runs(open_store(settings), "made")
    assert (run.run_id, run.task, run.recipe, run.dataset, run.status) == (
        run_id, "generation", "judge", "made", "finished",
    )  # fmt: skip
    assert run.metrics["clip_score"] == pytest.approx(found.estimates["clip_score"].value)
    assert run.metrics["clip_score_ci_low"] <= run.metrics["clip_score"]
    rows = pq.read_table(artifact_path(open_store(settings), run, "scores.parquet")).to_pylist()
    assert [row["file_name"] for row in rows] == list(images.files)


def test_the_command_prints_and_logs(make_generated, tiny_model, capsys, tmp_path):
    folder = make_generated()
    for log, runs in ((["--no-log"], 0), ([], 1)):
        with pytest.raises(SystemExit) as exit_:
            main(["judge", str(folder), "--model", tiny_model, "--reference", str(folder), "--json", *log])
        assert exit_.value.code == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["run_id"] is not None) == bool(runs)
    assert found["metrics"]["cmmd"] == pytest.approx(0, abs=1e-6)
    assert len(found["images"]) == 12
    with pytest.raises(SystemExit) as exit_:
        main(["judge", str(folder), "--model", tiny_model, "--worst", "2", "--no-log"])
    out = capsys.readouterr().out
    assert "clip_score" in out
    assert len([line for line in out.splitlines() if ".png" in line]) == 2
    with pytest.raises(SystemExit) as exit_:
        main(["judge", str(tmp_path / "nowhere"), "--model", tiny_model])
    assert exit_.value.code == 2
    assert "metadata.csv" in capsys.readouterr().err


def test_a_judgement_is_neither_compared_nor_reported_nor_applied(make_generated, encoder, settings, capsys, tmp_path):
    found = judge(read_prompts(make_generated()), encoder, FeatureStore(settings.cache))
    run_id = record_judgement(found, encoder, settings, "made")
    for arguments in (
        ["report", "made", "--to", str(tmp_path / "report")], ["compare", "--suite", "made"],
        ["compare", run_id, run_id], ["predict", run_id, str(tmp_path)],
    ):  # fmt: skip
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        err = capsys.readouterr().err
        assert exit_.value.code == 2
        assert "no test items" in err
        assert "`workbench results --suite made`" in err
