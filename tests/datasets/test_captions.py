"""Images of which nothing is said are counted; where nothing is said of any, the column and language are named."""

import pytest

from workbench.datasets import card_languages, check_dataset, in_language
from workbench.datasets.opening import open_card
from workbench.errors import DataError
from workbench.tasks.image_text.captions import require_captions

COLUMNS = {"caption": "caption", "split": "split"}
JAPANESE = 'languages = { ja = { columns = { caption = "caption_ja" } } }'


@pytest.fixture
def in_both(rows_opened, tmp_path, settings):
    """Rows in English and Japanese, opened in both."""

    def make(task, said_in_japanese):
        rows = [{"caption": f"text {i}", "caption_ja": said} for i, said in enumerate(said_in_japanese)]
        english = rows_opened(task, COLUMNS, rows, JAPANESE)
        assert card_languages(english.card) == ("en", "ja")
        return english, open_card(in_language(english.card, "ja"), tmp_path, settings)

    return make


@pytest.mark.parametrize(("task", "what"), [("captioning", "are left out"), ("retrieval", "stay among the images")])
def test_images_without_a_caption_are_counted_in_their_language(in_both, task, what):
    english, japanese = in_both(task, ["一", "", "二", None])
    (note,) = [note for note in japanese.notes if "caption" in note]
    assert note.startswith("2 of 4 test images have no caption in column 'caption_ja' (language 'ja') and ")
    assert what in note
    assert not [note for note in english.notes if "caption" in note]
    assert note in check_dataset(english, others=[japanese]).notes


def test_no_caption_at_all_names_column_and_language(in_both):
    english, japanese = in_both("retrieval", ["", ""])
    require_captions(english, english.rows("test"), "retrieve")
    with pytest.raises(DataError, match=r"no test image has a caption in column 'caption_ja' \(language 'ja'\)"):
        require_captions(japanese, japanese.rows("test"), "retrieve")
    (fault,) = check_dataset(english, others=[japanese]).unfit_rows
    assert "'caption_ja' (language 'ja')" in fault
