import numpy as np
import pytest

from adapters.caption_retrieval import BorrowedCaptions, CaptionRetrieval
from workbench.metrics.captions_cider import cider_d
from workbench.plugin import CaptionedImages, CaptioningTask, Features, RecipeError
from workbench.tasks import tasks_of
from workbench.testing import PlantedModel, feature_images

WORDS = ["oak leaf on sand", "red cup on wood", "blue ball near can", "pale moss under glass"]


def captioned(per_class, seed, prototypes, noise=0.3):
    """Images of four classes, each with its class's caption and one of its own."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(4), per_class)
    x = (prototypes[of] + noise * rng.normal(size=(len(of), 16))).astype(np.float32)
    texts = (*WORDS, *(f"{WORDS[c]} number {seed}{i}" for i, c in enumerate(of)))
    pairs = [(i, t) for i, c in enumerate(of) for t in (int(c), 4 + i)]
    return CaptionedImages(feature_images(Features(x, x)), texts, np.array(pairs, dtype=np.int64))


def make_task(text_noise, *, val=3, refit=False):
    rng = np.random.default_rng(0)
    prototypes = rng.normal(size=(4, 16)).astype(np.float32)
    texts = prototypes + text_noise * rng.normal(size=prototypes.shape).astype(np.float32)
    data = captioned(6, 1, prototypes), captioned(val, 2, prototypes)
    model = PlantedModel(WORDS, texts)
    task = CaptioningTask(
        dataset="planted", model=model, shots=None, seed=0, device="cpu", refit=refit, train=data[0], val=data[1]
    )
    return task, captioned(8, 3, prototypes)


def fit(task, **config):
    return CaptionRetrieval(CaptionRetrieval.Config(**config)).fit_image_text(task)


def quality(captioner, data):
    references = [[] for _ in range(len(data))]
    for image, text in data.positives:
        references[image].append(data.texts[text])
    return cider_d(captioner.captions(data.images), references).mean()


def test_the_way_with_the_better_validation_score_is_taken():
    task, test = make_task(text_noise=20.0)
    found = fit(task)
    assert found.report.chosen["by"] == "image"
    scores = {(t["by"], t.get("neighbours")): t["val_cider"] for t in found.report.trials}
    assert set(scores) == {("text", None), ("image", 1), ("image", 5), ("image", 20)}
    best = max(scores, key=scores.get)
    assert best == ("image", found.report.chosen["neighbours"])
    assert scores[best] == pytest.approx(quality(fit(task, by="image", neighbours=[best[1]]), task.val))
    assert quality(found, test) > quality(fit(task, by="text"), test)


def test_consensus_says_what_the_class_has_in_common():
    task, test = make_task(text_noise=0.0)
    found = fit(task, by="image", neighbours=[5]).captions(test.images)
    right = [any(caption.startswith(WORDS[c]) for c in [i // 8]) for i, caption in enumerate(found)]
    assert np.mean(right) > 0.9


def test_good_text_features_are_enough():
    task, test = make_task(text_noise=0.0)
    found = fit(task, by="text").captions(test.images)
    assert np.mean([caption.startswith(WORDS[i // 8]) for i, caption in enumerate(found)]) > 0.9


def test_without_validation_the_reader_is_told():
    task, _ = make_task(text_noise=0.0, val=0)
    assert "no validation captions" in fit(task).report.notes[0]
    assert "no validation captions" in fit(make_task(text_noise=0.0, val=0, refit=True)[0]).report.notes[0]
    assert fit(task, by="text").report.notes == ()


@pytest.mark.parametrize("by", ["text", "image"])
def test_refit_adds_the_validation_captions(by, tmp_path):
    task, _ = make_task(text_noise=0.0, refit=True)
    found = fit(task, by=by, neighbours=[1])
    again = found.captions(task.val.images)
    if by == "image":
        assert again[0] in {task.val.texts[0], task.val.texts[4]}
    found.save(tmp_path)
    assert BorrowedCaptions.restore(tmp_path).captions(task.val.images) == again
    plain = fit(make_task(text_noise=0.0)[0], by=by, neighbours=[1])
    assert len(found._bank) > len(plain._bank)


def test_captions_do_not_depend_on_batches():
    task, test = make_task(text_noise=0.0)
    found = fit(task)
    whole = found.captions(test.images)
    assert [found.captions(test.images.subset([i]))[0] for i in (0, 9, 31)] == [whole[i] for i in (0, 9, 31)]


@pytest.mark.parametrize("config", [{"bank": "x.txt"}, {"by": "text", "bank": "missing.txt"}, {"neighbours": [0]}])
def test_wrong_settings_are_refused(config):
    with pytest.raises(RecipeError, match="caption-retrieval"):
        fit(make_task(text_noise=0.0)[0], **config)


def test_it_captions_and_does_nothing_else():
    assert tasks_of(CaptionRetrieval) == ["captioning"]
