"""Only regular files are opened, and what cannot be parsed is said."""

import os

import pytest

from workbench.errors import WorkbenchError
from workbench.inputs import IrregularFileError, is_folder, parse_json, parse_toml, read_bytes, read_text
from workbench.texts import json_text, plain, shown, spreadsheet


def test_pipes_devices_and_folders_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, words in (("pipe", "is a pipe"), ("zero", "is a device"), (".", "is a folder")):
        with pytest.raises(IrregularFileError, match=words):
            read_bytes(tmp_path / name)
    (tmp_path / "long").write_bytes(b"12345")
    with pytest.raises(WorkbenchError, match=r"long: cannot be read \(has 5 bytes, more than 4\)"):
        read_text(tmp_path / "long", largest=4)
    assert not is_folder(tmp_path / "a\0b")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = ", "a = 1979-13-01"])
def test_toml_and_json_beyond_reason_are_said(text):
    with pytest.raises(WorkbenchError, match=r"^card\.toml: not (valid|usable) TOML"):
        parse_toml(text, "card.toml")
    with pytest.raises(WorkbenchError, match=r"^x: not (valid|usable) JSON"):
        parse_json(text.removeprefix("a = "), "x")


def test_texts_from_data_are_harmless():
    assert plain("a\x1b[31mb\nc\u202ed") == "a [31mb c d"
    assert [spreadsheet(text) for text in ("=1", "＋1", "a=1")] == ["'=1", "'＋1", "a=1"]
    assert json_text('"\x9b\ud800\u202e"') == '"\\u009b\\ud800\\u202e"'
    assert len(shown("x" * 5000)) < 500
