"""What is said of training images: captions, names, taxonomic strings; nothing of what is measured."""

import pytest

from workbench.errors import DataError


def all_texts(pairs):
    return {text for i in range(len(pairs)) for text in pairs.texts(i)}


def test_captions(pairs):
    found = pairs()
    assert len(found) == 24
    assert all_texts(found) == {f"{form}{c}{end}" for c in ("red", "green", "blue") for form, end in FORMS}
    assert all(len(found.texts(i)) == 1 for i in range(len(found)))


FORMS = (("the ", " one"), ("a square in ", ""))


def test_class_names_fill_all_templates(pairs):
    found = pairs("colours", texts="names")
    assert len(found.texts(0)) == 2
    assert all_texts(found) == {f"{a} {c} square" for a in ("a", "a picture of a") for c in ("red", "green", "blue")}


def test_taxonomic_strings_name_the_ranks_from_the_top(pairs):
    found = pairs("colours", texts="taxonomy", taxonomy=("kingdom", "family", "colour"))
    assert "a Colora redaceae red square" in all_texts(found)
    with pytest.raises(DataError, match=r"taxonomy names the column 'genus', .* there are: .*family"):
        pairs("colours", texts="taxonomy", taxonomy=("genus",))


def test_kinds_are_mixed(pairs):
    found = pairs("colours", texts=("names", "taxonomy"), taxonomy=("species",))
    (texts,) = {found.texts(i) for i in range(len(found)) if "a red 1 square" in found.texts(i)}
    assert texts == ("a red square", "a picture of a red square", "a red 1 square", "a picture of a red 1 square")


def test_measured_images_are_left_out(pairs):
    found = pairs()
    hashes = found.dataset.hashes(found.rows[:5])
    fewer = pairs(left_out=frozenset(digest.tobytes() for digest in hashes))
    assert (len(fewer), fewer.leaked) == (19, 5)


def test_what_has_no_text_is_refused(pairs):
    with pytest.raises(DataError, match="'squares': has no classes"):
        pairs(texts="names")
    with pytest.raises(DataError, match="'colours': no training image has a text of the kind 'captions'"):
        pairs("colours")
