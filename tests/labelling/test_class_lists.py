import pytest

from workbench.errors import DataError
from workbench.labelling import read_class_list, read_names


def test_a_text_file_has_a_name_a_line(tmp_path):
    (tmp_path / "names.txt").write_text("Rosa canina\n\n  Bellis   perennis \nRosa canina\n")
    classes = read_class_list(tmp_path / "names.txt")
    assert classes.names == ("Rosa canina", "Bellis perennis")
    assert classes.notes == ("1 names of names.txt are there twice.",)
    assert classes.sentences(["a photo of {}.", "{}"])[1] == ["a photo of Bellis perennis.", "Bellis perennis"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("species.csv", "Name,common_name,description\nRosa canina,dog rose;briar,pink\n"
                        "Rosa canina,,five petals\nB,,\n"),
        ("species.tsv", "scientificName\tvernacularName\ttext\nRosa canina\tdog rose|briar\tpink\n"
                        "Rosa canina\t\tfive petals\nB\t\t\n"),
        ("species.jsonl", '{"name": "Rosa canina", "common_name": "dog rose; briar", "description": "pink"}\n'
                          '{"name": "Rosa canina", "description": "five petals"}\n{"name": "B"}\n'),
    ],
)  # fmt: skip
def test_rows_of_one_name_are_one_class_with_all_its_names_and_descriptions(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    classes = read_class_list(tmp_path / name)
    assert classes.names == ("Rosa canina", "B")
    assert classes.notes == ()
    assert classes.sentences(["a {}."]) == [
        ["a Rosa canina.", "a dog rose.", "a briar.", "pink", "five petals"],
        ["a B."],
    ]


def test_a_table_of_one_column_needs_no_header(tmp_path):
    (tmp_path / "names.csv").write_text("Rosa canina\nBellis perennis\n")
    assert read_class_list(tmp_path / "names.csv").names == ("Rosa canina", "Bellis perennis")
    assert read_names(tmp_path / "names.csv") == ["Rosa canina", "Bellis perennis"]


def test_a_checklist_restricts_by_any_name_whatever_its_capitals(tmp_path):
    (tmp_path / "species.csv").write_text("name,common_name\nRosa canina,dog rose\nBellis perennis,\nAcer campestre,\n")
    classes = read_class_list(tmp_path / "species.csv").restricted(["DOG  rose", "bellis_perennis", "Quercus robur"])
    assert classes.names == ("Rosa canina", "Bellis perennis")
    assert classes.notes == ("1 of 3 names of the checklist are no class: Quercus robur.",)
    with pytest.raises(DataError, match=r"leaves 0 of 3 classes.*Did you mean 'Rosa canina'"):
        read_class_list(tmp_path / "species.csv").restricted(["Rosa caninna"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "no column of names .*there are: a, b"),
        ("name\nonly\n", "has 1 names"),
        ("name\n", "there are: none"),
    ],
)
def test_what_is_no_list_is_said(tmp_path, text, sentence):
    (tmp_path / "species.csv").write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_class_list(tmp_path / "species.csv")
    with pytest.raises(DataError, match=r"missing\.txt"):
        read_class_list(tmp_path / "missing.txt")
