"""Pseudonyms: the same for the same name, none without the key, and whole names alone are replaced."""

import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.pseudonyms import Pseudonyms, is_pseudonym

ONE, OTHER = Pseudonyms(bytes(32)), Pseudonyms(bytes([1]) * 32)


def test_a_name_has_one_pseudonym_and_another_with_another_key():
    assert ONE.of("smith/1.png") == ONE.of("smith/1.png") != ONE.of("smith/2.png")
    assert ONE.of("smith/1.png") != OTHER.of("smith/1.png")
    assert ONE.key_name != OTHER.key_name
    assert is_pseudonym(ONE.of("é\udc80"))
    assert not is_pseudonym("id-1")


@settings(max_examples=200, deadline=None)
@given(
    names=st.lists(st.text("ABCÖ/ '\\_.", min_size=5, max_size=12).filter(str.strip), min_size=1, max_size=8),
    between=st.lists(st.text("xyz, (", max_size=5), min_size=9, max_size=9),
)
def test_no_name_of_five_characters_is_left_in_a_text(names, between):
    words = [*names, repr(names[0])]
    text = "".join(part for pair in zip(between, words, strict=False) for part in pair)
    left = ONE.replaced(text, names)
    assert not [name for name in names if name in left]
    # What is left of the text but the names is as it was.
    assert sum(map(left.count, "xyz")) == sum(map(text.count, "xyz"))


def test_what_a_text_may_hold_is_replaced():
    names = {"miller", "miller/1.png", "a", "7", "4711", "it's.png"}
    of = ONE.of
    assert ONE.replaced("miller/1.png of miller", names) == f"{of('miller/1.png')} of {of('miller')}"
    assert ONE.replaced("(/data/miller/1.png)", names) == f"(/data/{of('miller/1.png')})"
    assert ONE.replaced("a banana, 7 of 4711", names) == f"{of('a')} banana, 7 of {of('4711')}"
    assert ONE.replaced(repr("it's.png"), names) == f'"{of(chr(105) + "t" + chr(39) + "s.png")}"'
    assert ONE.replaced("nothing here", names) == "nothing here"
    assert ONE.replaced("anything", ()) == "anything"


def test_the_key_is_made_once_and_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        first = Pseudonyms.of_machine(tmp_path)
    finally:
        os.umask(before)
    path = tmp_path / "pseudonyms" / "key"
    assert path.stat().st_mode & 0o777 == 0o640
    assert Pseudonyms.of_machine(tmp_path).key_name == first.key_name
    assert Pseudonyms.of_key(tmp_path, first.key_name).of("x") == first.of("x")
    assert [file.name for file in path.parent.iterdir()] == ["key"]
    path.write_text("not a key")
    with pytest.raises(WorkbenchError, match="is damaged"):
        Pseudonyms.of_machine(tmp_path)


def _key_name(cache: Path) -> str:
    return Pseudonyms.of_machine(cache).key_name


def test_processes_that_come_at_once_have_one_key(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert len(set(pool.map(_key_name, [tmp_path] * 16))) == 1


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "pseudonyms").write_text("a file in the way")
    with pytest.raises(WorkbenchError, match="--hash-ids needs a cache that may be written"):
        Pseudonyms.of_machine(tmp_path)
