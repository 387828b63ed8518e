import numpy as np
import pytest
import sklearn.metrics as sk

from workbench.errors import WorkbenchError
from workbench.metrics import statement_metrics, winoground_metrics
from workbench.metrics.choices import choice_metrics


def test_accuracy_over_right_and_wrong_texts_by_kind():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(120, 4))
    scores[:, 0] += 1
    right = np.zeros((120, 4), dtype=bool)
    right[:, 0] = True
    kinds = np.array(["attribute", "relation", "negation"])[np.arange(120) % 3]
    starts = 4 * np.arange(120)
    found = choice_metrics(scores.ravel(), right.ravel(), starts, np.arange(120) // 2, categories=kinds)
    hits = scores.argmax(axis=1) == 0
    assert found["accuracy"].value == pytest.approx(hits.mean())
    assert found["accuracy"].n_groups == 60
    assert found["accuracy/relation"].value == pytest.approx(hits[kinds == "relation"].mean())
    assert (found["accuracy/relation"].n, len(found)) == (40, 4)


def test_winoground_scores_have_the_chance_that_they_should():
    found = winoground_metrics(np.random.default_rng(0).normal(size=(20_000, 2, 2)), replicates=50)
    for name, chance in (("text_score", 1 / 4), ("image_score", 1 / 4), ("group_score", 1 / 6)):
        assert found[name].value == pytest.approx(chance, abs=0.01)


def test_statements_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.random(200) < 0.4
    scores = np.round(rng.normal(size=200) + labels, 1)
    found = statement_metrics(scores, labels, threshold=0.5)
    assert found["accuracy"].value == pytest.approx(np.mean((scores >= 0.5) == labels))
    assert found["auroc"].value == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-6)
    assert found["average_precision"].value == pytest.approx(sk.average_precision_score(labels, scores), abs=1e-6)
    assert set(statement_metrics(scores, np.ones(200, bool), replicates=10)) == {"accuracy"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: winoground_metrics(np.zeros((3, 4))), "2 images, 2 texts"),
        (lambda: statement_metrics(np.zeros(3), np.zeros(2)), "true or false"),
    ],
)
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises(WorkbenchError, match=words):
        call()
