"""The file of an adaptation: what is wrong in it is named by its key."""

import re
from pathlib import Path

import pytest

from workbench.adaptation.config import read_adaptation
from workbench.errors import CardError

WHOLE = """
name = "colours"
model = "offline-lite"
train = [{ dataset = "squares" }, { dataset = "colours", texts = ["names", "taxonomy"], taxonomy = ["species"] }]
training = { steps = 20, batch_size = 8 }
evaluate = { datasets = ["colours", { dataset = "squares", weight = 2, metric = "text_to_image_map" }] }
retention = { datasets = ["other"], tolerance = 0.02, alphas = [0.5] }
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "adaptation.toml"
        path.write_text(text, encoding="utf-8")
        return read_adaptation(path)

    return read_text


def test_names_and_single_kinds_stand_for_tables_and_lists(read):
    found = read(WHOLE)
    assert [entry.dataset for entry in found.evaluate.datasets] == ["colours", "squares"]
    assert [source.texts for source in found.train] == [("captions",), ("names", "taxonomy")]
    assert found.retention.grid == (0.0, 0.5, 1.0)
    assert found.training.towers == ("image", "text")
    assert found.training.steps_between_evaluations == 2


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("steps = 20", "step = 20", r"unknown key 'training.step'. Did you mean 'steps'"),
        ("batch_size = 8", "batch_size = 0", r"training.batch_size: "),
        ("batch_size = 8", "locked = 'both'", r"training.locked: "),
        ('{ dataset = "squares" }', '{ dataset = "squares", weight = 2 }', "give all datasets a weight, or none"),
        ('taxonomy = ["species"]', "taxonomy = []", "go together"),
        ('"colours", {', '"squares", {', "evaluate.datasets: 'squares' is named twice"),
        (
            'datasets = ["other"]',
            'datasets = [{ dataset = "other", weight = 0 }]',
            "retention.datasets: one of them at least",
        ),
        ("tolerance = 0.02", "tolerance = 2", r"retention.tolerance: .*less than or equal to 1"),
        ('name = "colours"', 'name = " "', "name: "),
    ],
)
def test_faults_are_named(read, before, after, complaint):
    assert before in WHOLE
    with pytest.raises(CardError, match=rf"adaptation.toml: .*{complaint}"):
        read(WHOLE.replace(before, after, 1))


def test_the_file_in_the_documentation_can_be_read(read):
    text = (Path(__file__).parents[2] / "docs" / "adapting.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 2
    assert [read(example).name for example in examples] == ["leaves"] * len(examples)
