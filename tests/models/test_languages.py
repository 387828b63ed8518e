import json
from types import SimpleNamespace

import pytest

from workbench.errors import ModelError
from workbench.models import open_model
from workbench.models.checkpoints import text_tower_names
from workbench.models.languages import check_language
from workbench.models.spec import ModelSpec, parse_model


@pytest.mark.parametrize("name", ["offline-lite", "offline-lite-conse"])
def test_an_english_tower_refuses_japanese(name):
    encoder = SimpleNamespace(name=name, spec=parse_model(name))  # The name is enough; building it takes a minute.
    assert check_language(encoder, "en") is None
    with pytest.raises(ModelError, match=r"reads en only, not 'ja'.*xlm-roberta"):
        check_language(encoder, "ja")


def test_the_multilingual_embedded_model_reads_fifteen_languages_and_no_more():
    name = "offline-lite-multilingual"
    encoder = SimpleNamespace(name=name, spec=parse_model(name))
    assert not any(check_language(encoder, language) for language in ("ja", "en", "th", "pt-BR", "zh", "zh-TW"))
    with pytest.raises(ModelError, match=r"reads ar, .* zh only, not 'hi'"):
        check_language(encoder, "hi")


def test_a_registered_model_without_english_refuses_english(monkeypatch):
    monkeypatch.setattr("workbench.models.languages.models.get", lambda _: SimpleNamespace(languages=("ja",)))
    encoder = SimpleNamespace(name="japanese", spec=ModelSpec("japanese", "plugin", "", "japanese"))
    assert check_language(encoder, "ja") is None
    with pytest.raises(ModelError, match="reads ja only, not 'en'"):
        check_language(encoder, "en")


def test_a_registered_model_that_says_nothing_is_marked(monkeypatch):
    monkeypatch.setattr("workbench.models.languages.models.get", lambda _: SimpleNamespace())
    encoder = SimpleNamespace(name="silent", spec=ModelSpec("silent", "plugin", "", "silent"))
    assert "does not say which languages" in check_language(encoder, "ja")
    assert check_language(encoder, "en-GB") is None


def test_a_tower_with_clips_tokenizer_is_marked(tiny_model, settings):
    encoder = open_model(tiny_model, settings)
    assert "English tokenizer" in check_language(encoder, "ja")
    assert check_language(encoder, "en") is None


@pytest.mark.parametrize(("name", "known"), [("xlm-roberta-tiny", True), ("bert-tiny", False)])
def test_a_hugging_face_tower_is_judged_by_its_name(tiny, tmp_path, settings, name, known):
    folder = tmp_path / "model"
    folder.mkdir()
    for path in tiny("hf-text").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "open_clip_config.json").read_text())
    described = tmp_path / name
    described.mkdir()
    for part in ("config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        if (folder / part).exists():
            (described / part).write_bytes((folder / part).read_bytes())
    text = config["model_cfg"]["text_cfg"]
    text["hf_model_name"] = text["hf_tokenizer_name"] = str(described)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    encoder = open_model(f"local-dir:{folder}", settings)
    note = check_language(encoder, "ja")
    assert (note is None) == known
    assert known or f"({name})" in note
    assert encoder.encode_texts(["りんごの写真"]).shape == (1, encoder.embed_dim)


def test_the_multilingual_models_of_open_clip_are_known_by_name():
    assert text_tower_names(parse_model("xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k")) == "xlm-roberta-base"
    assert text_tower_names(parse_model("ViT-B-32/laion2b_s34b_b79k")) is None
