"""A run on what its model has seen says so."""

import pytest

from workbench.models import field_models
from workbench.models.field_models import FieldModel
from workbench.runs import Suite
from workbench.runs.planned import prepare_runs
from workbench.runs.reporter import Silent


class Listener(Silent):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


@pytest.mark.parametrize(("dataset", "warns"), [("seen", True), ("new", False)])
def test_a_run_on_what_its_model_has_seen_says_so(
    dataset, warns, tiny_model, write_colours, tmp_path, settings, monkeypatch
):
    listed = FieldModel(argument=tiny_model, trained_on="colours", seen=("seen",), source="this test")
    monkeypatch.setattr(field_models.fields, "get", lambda _: (listed,))
    folder = write_colours(tmp_path / dataset, train=1, val=1, test=1)
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(folder),), recipes=({"recipe": "zero-shot"},))
    listener = Listener()
    prepare_runs(suite, settings, listener)
    assert any("has seen seen in its training" in sentence for sentence in listener.said) is warns
