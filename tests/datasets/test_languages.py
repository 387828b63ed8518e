import numpy as np
import pytest
from PIL import Image

from workbench.datasets import card_languages, card_to_toml, in_language, open_dataset, parse_card
from workbench.errors import CardError

CARD = """
name = "fruit"
[source]
type = "csv"
path = "fruit.csv"
[columns]
image = "file"
label = "label"
caption = "en"
[classes]
a = "apple"
b = "pear"
[prompts]
templates = ["a photo of a {}.", "a {}."]
[prompts.descriptions]
apple = ["a round fruit"]
[languages.ja]
templates = ["{}の写真"]
[languages.ja.classes]
b = "梨"
a = "りんご"
[languages.ja.descriptions]
"梨" = ["黄緑色の果物"]
[languages.ja.columns]
caption = "ja"
"""


def parse(text=CARD):
    return parse_card(text, "fruit.toml")


@pytest.fixture
def card_file(tmp_path):
    rows = ["file,label,split,en,ja"]
    for i in range(8):
        Image.fromarray(np.full((8, 8, 3), 20 * i, np.uint8)).save(tmp_path / f"{i}.png")
        split = ("train", "train", "val", "test")[i // 2]
        rows.append(f"{i}.png,{'ab'[i % 2]},{split},a fruit {i},果物{i}")
    (tmp_path / "fruit.csv").write_text("\n".join(rows), encoding="utf-8")
    path = tmp_path / "fruit.toml"
    path.write_text(CARD.replace('caption = "en"', 'caption = "en"\nsplit = "split"'), encoding="utf-8")
    return path


def test_nothing_of_the_first_language_is_left(card_file, settings):
    english, japanese = (open_dataset(str(card_file), settings, language=name) for name in ("en", "ja"))
    assert japanese.class_keys == english.class_keys == ("a", "b")
    assert japanese.class_names == ("りんご", "梨")
    assert japanese.prompts.sentences("ensemble") == [["りんごの写真"], ["梨の写真"]]
    assert dict(japanese.prompts.descriptions) == {"梨": ("黄緑色の果物",)}
    assert all(text.isascii() for (text,) in english.captions(range(8)))
    assert sorted(japanese.captions(range(8))) == sorted((f"果物{i}",) for i in range(8))
    assert japanese.labels(range(8)).tolist() == english.labels(range(8)).tolist()
    assert japanese.card.language == "ja"


def test_a_language_is_part_of_the_fingerprint(card_file, settings):
    plain, english, japanese = (open_dataset(str(card_file), settings, language=name) for name in (None, "en", "ja"))
    assert plain.fingerprint == english.fingerprint != japanese.fingerprint


def test_the_same_words_in_two_languages_are_two_datasets(card_file, settings):
    text = card_file.read_text(encoding="utf-8")
    text += '[languages.xx]\ntemplates = ["a photo of a {}.", "a {}."]\nclasses = {a = "apple", b = "pear"}\n'
    text += 'columns = {caption = "en"}\n[languages.xx.descriptions]\napple = ["a round fruit"]\n'
    card_file.write_text(text, encoding="utf-8")
    english, other = (open_dataset(str(card_file), settings, language=name) for name in ("en", "xx"))
    assert english.prompts == other.prompts
    assert english.fingerprint != other.fingerprint


def test_cards_with_languages_are_written_and_read():
    card = parse()
    assert parse_card(card_to_toml(card), "again") == card
    assert card_languages(card) == ("en", "ja")
    assert in_language(card, "ja").languages == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('b = "梨"\n', "", "no name for 'b'"),
        ('b = "梨"\n', 'b = "梨"\nc = "柿"\n', "'c', which is no class"),
        ('templates = ["{}の写真"]', "", "needs templates and classes"),
        ('name = "fruit"', 'name = "fruit"\ntask = "retrieval"', None),
        ("[languages.ja.columns]\ncaption", "[languages.ja.columns]\nnegatives", "ok"),
    ],
)
def test_a_language_must_say_all_that_the_task_needs(old, new, said):
    card = parse(CARD.replace(old, new))
    if said in {None, "ok"}:
        assert in_language(card, "ja").columns.caption == ("ja" if said is None else None)
        return
    with pytest.raises(CardError, match=said):
        in_language(card, "ja")


def test_captions_of_another_language_are_not_retrieved():
    text = CARD.replace('name = "fruit"', 'name = "fruit"\ntask = "retrieval"').replace('caption = "ja"', "")
    with pytest.raises(CardError, match="no 'caption', which task 'retrieval' reads"):
        in_language(parse(text), "ja")


def test_unknown_languages_are_named():
    with pytest.raises(CardError, match=r"'de'.*It has: en, ja"):
        in_language(parse(), "de")


@pytest.mark.parametrize("wrong", ['[languages.Japanese]\ntemplates = ["{}"]', '[languages.de]\ntemplates = ["ohne"]'])
def test_wrong_tables_are_refused(wrong):
    with pytest.raises(CardError, match=r"languages|template"):
        parse(f"{CARD}\n{wrong}")


def test_both_captions_of_a_pair_are_of_the_language_asked_for():
    text = """
        name = "x"
        task = "matching"
        [source]
        type = "hub"
        id = "a/b"
        [columns]
        caption = "caption_0"
        second_image = "image_1"
        second_caption = "caption_1"
        pair = "id"
        [languages.ja.columns]
        caption = "ja_0"
    """
    with pytest.raises(CardError, match=r"languages\.ja\.columns has no 'second_caption'"):
        in_language(parse_card(text, "card.toml"), "ja")
    card = in_language(parse_card(text + 'second_caption = "ja_1"', "card.toml"), "ja")
    assert (card.columns.caption, card.columns.second_caption) == ("ja_0", "ja_1")
