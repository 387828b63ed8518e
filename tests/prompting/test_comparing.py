"""Templates compared on validation images, against the same computed by hand; and what a tokenizer does to texts."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from workbench.cli import cli
from workbench.datasets import open_card, parse_card
from workbench.errors import DataError, UnknownMetricError
from workbench.models import open_model
from workbench.models.token_reading import read_texts
from workbench.prompting import compare_prompts
from workbench.prompting.wording import wording_faults
from workbench.reports.prompt_text import prompts_json, prompts_text

TEMPLATES = ("a photo of a {}.", "{}", "no idea, but {}", "some {} noise")
CARD = """
name = "colours"
[source]
type = "folder"
path = "colours"
[columns]
label = "label"
[prompts]
templates = {templates}
"""


def opened(tmp_path, settings, templates=TEMPLATES, more=""):
    return open_card(parse_card(CARD.replace("{templates}", json.dumps(templates)) + more, "x"), tmp_path, settings)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def encoder(tiny_model, settings):
    return open_model(tiny_model, settings.model_copy(update={"preprocessing": "reference"}))


def test_each_template_and_the_ensemble_are_zero_shot_on_validation(make_colours, tmp_path, settings, encoder):
    import torch

    make_colours(train=2, val=9, test=3)
    dataset = opened(tmp_path, settings)
    found = compare_prompts(dataset, encoder, settings)
    rows = dataset.rows("val")
    pixels = torch.stack([encoder.preprocess(dataset.decode(int(row))) for row in rows])
    images = unit(encoder.encode_images(pixels).projected)
    texts = np.stack(
        [unit(encoder.encode_texts([t.replace("{}", name) for t in TEMPLATES])) for name in dataset.class_names]
    )
    labels = dataset.labels(rows)
    right = [(images @ texts[:, i].T).argmax(axis=1) == labels for i in range(len(TEMPLATES))]
    together = (images @ unit(texts.mean(axis=1)).T).argmax(axis=1) == labels
    assert [each.template for each in found.templates] == list(TEMPLATES)
    np.testing.assert_allclose(found.values, [hits.mean() for hits in right])
    assert found.ensemble.value == together.mean()
    assert found.spread == pytest.approx(np.std([hits.mean() for hits in right], ddof=1))
    assert (found.images, found.metric, found.groups) == (27, "accuracy", None)
    for each, hits in zip(found.templates, right, strict=True):
        assert each.difference.value == pytest.approx(hits.mean() - together.mean())
        assert each.difference.low <= each.difference.value <= each.difference.high
        assert each.difference.test == "exact McNemar test"
        assert each.p_value >= each.difference.p_value


def test_another_metric_one_template_and_the_words(make_colours, tmp_path, settings, encoder):
    make_colours(train=2, val=4, test=2)
    found = compare_prompts(opened(tmp_path, settings, TEMPLATES[:1]), encoder, settings, "macro_f1")
    (one,) = found.templates
    assert (one.difference, one.p_value, found.metric) == (None, None, "macro_f1")
    assert one.estimate.value == found.ensemble.value
    text = prompts_text(found)
    assert "a photo of a {}." in text
    assert "ensemble of 1 template" in text
    assert "differ by" not in text
    assert json.loads(json.dumps(prompts_json(found)))["spread"] is None
    with pytest.raises(UnknownMetricError, match="no_such"):
        compare_prompts(opened(tmp_path, settings), encoder, settings, "no_such")


def test_findings_are_ranked_by_their_pairs(make_colours, tmp_path, settings, encoder):
    make_colours(train=2, val=6, test=2)
    pairs = 'negative_templates = ["no {} in it"]\n'
    card = CARD.replace("[source]", "multi_label = true\n[source]")
    dataset = open_card(parse_card(card.replace("{templates}", json.dumps(TEMPLATES)) + pairs, "x"), tmp_path, settings)
    found = compare_prompts(dataset, encoder, settings)
    assert found.metric == "auroc"
    assert (found.values >= 0).all()
    plain = compare_prompts(opened(tmp_path, settings), encoder, settings, "auroc")
    assert found.values.tolist() != plain.values.tolist()


def test_the_command(make_colours, tmp_path, tiny_model):
    make_colours(train=2, val=3, test=2)
    path = tmp_path / "card.toml"
    path.write_text(CARD.replace("{templates}", json.dumps(TEMPLATES[:2])))
    arguments = ["prompts", str(path), "--model", tiny_model, "--device", "cpu"]
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert [each["template"] for each in found["templates"]] == list(TEMPLATES[:2])
    assert found["images"] == 9
    words = CliRunner().invoke(cli, arguments).stdout
    assert "accuracy on 9 validation images" in words
    assert "Templates differ by" in words
    assert "Holm-corrected" in words


def test_what_cannot_be_compared(make_colours, tmp_path, settings, encoder):
    root = make_colours(train=2, val=0, test=2)
    for split in ("train", "val"):
        for path in (root / split).rglob("*.png"):
            path.unlink()
    with pytest.raises(DataError, match="has no validation images to compare templates on"):
        compare_prompts(opened(tmp_path, settings), encoder, settings)


def test_what_a_tokenizer_cuts_and_merges_is_said(make_colours, tmp_path, settings, encoder):
    make_colours(train=2, val=2, test=2)
    long = " ".join(["very"] * 20)
    classes = f'[classes]\nred = "Crane"\ngreen = "crane"\nblue = "{long} blue"\n'
    dataset = opened(tmp_path, settings, ("a {}", "the {} thing"), classes)
    faults = wording_faults(encoder, dataset.prompts)
    assert faults.cut == (f"a {long} blue", f"the {long} blue thing")
    assert faults.merged == (("Crane", "crane"),)
    assert faults.unknown == ()
    text = prompts_text(compare_prompts(dataset, encoder, settings))
    assert "does not see the end of 2 sentences, which have more tokens than it takes" in text
    assert "1 pair of classes is one text to the tokenizer in every template" in text


def test_a_text_that_just_fits_is_not_cut(encoder):
    fits, beyond = (" ".join(["red"] * n) for n in (14, 15))  # 16 places, less the start and the end.
    assert [read.is_cut for read in read_texts(encoder.tokenizer, [fits, beyond, ""])] == [False, True, False]


def test_tokenizers_of_libraries_and_of_plug_ins(settings):
    """MiniLM's word pieces have a token for what they do not know; another tokenizer may only be called."""
    dataset_model = open_model("offline-lite", settings)
    tokenizer = dataset_model.tokenizer
    short, long, odd = "oak", " ".join(["oak"] * 300), "oak 🜁"
    read = read_texts(tokenizer, [short, long, odd])
    assert [each.is_cut for each in read] == [False, True, False]
    assert [each.unknown for each in read] == [0, 0, 1]

    def bare(texts):
        return tokenizer(texts)

    assert [each.is_cut for each in read_texts(bare, [short, long])] == [False, True]
    assert read_texts(bare, []) == []
