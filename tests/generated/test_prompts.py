import pytest

from workbench.errors import DataError
from workbench.generated import read_prompts


@pytest.mark.parametrize("column", ["prompt", "text", "caption"])
def test_prompts_stand_in_a_column_of_a_usual_name(make_generated, column):
    found = read_prompts(make_generated(2, column))
    assert found.files[:3] == ("0-0.png", "0-1.png", "1-0.png")
    assert found.prompts[:3] == ("a red sheet", "a red sheet", "a green sheet")
    assert found.notes == ()


def test_jsonl_is_read_and_other_images_are_counted(make_generated):
    folder = make_generated(1)
    (folder / "metadata.csv").unlink()
    (folder / "metadata.jsonl").write_text('{"file_name": "./0-0.png", "prompt": "葉", "text": "leaf"}\n')
    found = read_prompts(folder)
    assert (found.files, found.prompts) == (("0-0.png",), ("葉",))
    assert found.notes == ("2 images have no prompt in metadata.jsonl and are left out: 1-0.png, 2-0.png.",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "expected a metadata.csv"),
        ("file_name,label\na.png,x\n", "there are: file_name, label"),
        ("name,prompt\na.png,x\n", "there are: name, prompt"),
        ("file_name,prompt\na.png,\n", "line 2"),
        ("file_name,prompt\na.png,x\na.png,y\n", "twice"),
        ("file_name,prompt\n", "no rows"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, content, said):
    if content is not None:
        (tmp_path / "metadata.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        read_prompts(tmp_path)


def test_a_folder_that_is_not_there_is_what_is_said(tmp_path):
    with pytest.raises(DataError, match="is no folder, or not there"):
        read_prompts(tmp_path / "nowhere")
    (tmp_path / "file.csv").write_text("")
    with pytest.raises(DataError, match="is no folder"):
        read_prompts(tmp_path / "file.csv")
