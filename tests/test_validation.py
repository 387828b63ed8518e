"""What is said of a file that pydantic refuses."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from workbench.validation import explain


class Strict(BaseModel, extra="forbid"):
    pass


class Folder(Strict):
    type: Literal["folder"]
    path: str


class Hub(Strict):
    type: Literal["hub"]
    revision: str | None = None


class Window(Strict):
    margin: float = 0.1


class Language(Strict):
    classes: dict[str, str] = {}
    columns: dict[Literal["caption", "instruction"], str] = {}


class File(Strict):
    name: str
    source: Folder | Hub = Field(default=Hub(type="hub"), discriminator="type")
    window: Window | None = None
    languages: dict[str, Language] = {}
    windows: tuple[Window, ...] = ()
    share: Annotated[float, Field(gt=0)] | tuple[str, ...] | None = None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"nam": "x"}, "unknown key 'nam'. Did you mean 'name'?"),
        ({"name": "x", "zzz": 1}, "unknown key 'zzz'. Known: name, source, window, languages, windows, share."),
        ({"name": "x", "window": {"margn": 1}}, "unknown key 'window.margn'. Did you mean 'margin'?"),
        ({"name": "x", "windows": [{}, {"margn": 1}]}, "unknown key 'windows.1.margn'. Did you mean 'margin'?"),
        (
            {"name": "x", "languages": {"ja": {"clases": {}}}},
            "unknown key 'languages.ja.clases'. Did you mean 'classes'?",
        ),
        (
            {"name": "x", "source": {"type": "hub", "revison": "a"}},
            "unknown key 'source.revison'. Did you mean 'revision'?",
        ),
        ({"name": "x", "source": {"type": "folder", "pth": "a"}}, "unknown key 'source.pth'. Did you mean 'path'?"),
        ({"name": "x", "source": {"type": "folder"}}, "source.path: Field required."),
        (
            {"name": "x", "languages": {"ja": {"columns": {"captoin": "a"}}}},
            "languages.ja.columns.captoin: Input should be 'caption' or 'instruction'.",
        ),
        ({"name": "x", "share": -1}, "share: Input should be greater than 0, or input should be a valid list."),
        ({"name": 1}, "name: Input should be a valid string."),
        ("text", "the file: Input should be a valid dictionary or instance of File."),
    ],
)
def test_one_sentence_names_the_key_as_the_file_has_it(content, said):
    with pytest.raises(ValidationError) as refused:
        File.model_validate(content)
    assert explain(refused.value, File) == said
