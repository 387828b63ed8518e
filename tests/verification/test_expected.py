"""Files of published numbers: what they say, and what is wrong with those that are damaged."""

import pytest

from workbench.errors import CardError, WorkbenchError
from workbench.verification import choose, read_expected, read_places

TABLE = """
source = "A paper, table 2"
checked = "by hand"

[[expected]]
dataset = "flowers"
tolerance = 0.01
protocol = { split = "official", test_images = 12 }
values = { a = 0.5, b = 0.25 }

[[expected]]
dataset = "cards/own.toml"
recipe = "gda"
config = { features = "projected" }
seeds = [1, 2]
metric = "balanced_accuracy"
tolerance = 0.02
source = "Another paper"
protocol = { split = "few-shot", metric = "mean per class" }

[expected.values]
a = { 1 = 0.1, 16 = 0.2, all = 0.3 }
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "expected.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_table_is_one_number_for_each_model_and_each_shots(write, tmp_path):
    a, b, *few = read_expected(write(TABLE))
    assert (a.model, a.value, a.shots, a.recipe, a.seeds) == ("a", 0.5, "all", "zero-shot", (0,))
    assert (b.model, b.value) == ("b", 0.25)
    assert (a.source, a.checked) == ("A paper, table 2", "by hand")
    assert [(each.shots, each.value) for each in few] == [(1, 0.1), (16, 0.2), ("all", 0.3)]
    assert {each.source for each in few} == {"Another paper"}
    # A name stays, a card lies beside the file.
    assert (a.dataset, few[0].dataset) == ("flowers", str(tmp_path / "cards" / "own.toml"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("tolerance = 0.01", "tolerence = 0.01", "Did you mean 'tolerance'"),
        ("tolerance = 0.01", "tolerance = -1", "expected.0.tolerance"),
        ("a = 0.5", "a = 50.0", "shares are written 0..1"),
        ("a = 0.5", "a = true", "expected.0.values.a"),
        ("a = 0.5", "a = nan", "expected.0.values.a"),
        ("a = { 1 = 0.1,", "a = { few = 0.1,", "expected.1.values.a"),
        ('metric = "balanced_accuracy"', 'metric = "balanced_acuracy"', "Did you mean 'balanced_accuracy'"),
        ('source = "A paper, table 2"\n', "", "has no source"),
        ('split = "official", ', "", "expected.0.protocol.split"),
        ("[[expected]]", "[[expected]", "expected.toml"),
    ],
)
def test_what_is_wrong_is_named(write, old, new, words):
    assert old in TABLE
    with pytest.raises(CardError) as error:
        read_expected(write(TABLE.replace(old, new, 1)))
    assert words in str(error.value)
    assert "expected.toml" in str(error.value)


def test_files_and_folders_are_read(write, tmp_path):
    path = write(TABLE)
    assert read_places([path]) == read_places([tmp_path])
    with pytest.raises(CardError, match="no such file or folder"):
        read_places([tmp_path / "none.toml"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(CardError, match=r"holds no \.toml"):
        read_places([tmp_path / "empty"])


def test_numbers_are_chosen_by_model_and_dataset(write):
    expected = read_expected(write(TABLE))
    assert [each.model for each in choose(expected, ["b"])] == ["b"]
    assert {each.dataset for each in choose(expected, datasets=["flowers"])} == {"flowers"}
    with pytest.raises(WorkbenchError, match="Did you mean 'flowers'"):
        choose(expected, datasets=["flower"])
    with pytest.raises(WorkbenchError, match="both"):
        choose(expected, ["b"], [expected[-1].dataset])
