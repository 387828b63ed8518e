import numpy as np
import pytest

from dashboards.views.mistakes import mistakes
from workbench.errors import WorkbenchError
from workbench.runs import Predictions


@pytest.fixture
def run(make_predictions):
    return make_predictions(2.0, groups=True)


def test_all_mistakes_the_most_confident_first(run):
    found = mistakes(run)
    wrong = {run.ids[i] for i in np.flatnonzero(run.scores.argmax(axis=1) != run.labels)}
    assert {each.id for each in found} == wrong
    confidences = [each.confidence for each in found]
    assert confidences == sorted(confidences, reverse=True)


def test_top_classes_are_probabilities_in_order(run):
    for each in mistakes(run):
        assert each.top[0] == (each.predicted, each.confidence)
        assert [p for _, p in each.top] == sorted((p for _, p in each.top), reverse=True)
        assert sum(p for _, p in each.top) == pytest.approx(1)


def test_without_labels_or_with_several_there_are_none(run):
    for labels in (None, np.eye(3, dtype=bool)[run.labels]):
        with pytest.raises(WorkbenchError, match="one label"):
            mistakes(Predictions(run.ids, run.groups, labels, run.scores, run.class_names))
