"""Names of a card in metrics' names."""

import numpy as np
from mlflow.utils.validation import _validate_metric_name

from workbench.metrics.keys import accuracy_parts, metric_keys


def test_names_that_become_equal_stay_apart():
    # The second name's substitute is a third one's own name.
    assert len(set(metric_keys(["x", "x_2", "x.", "x?", "x_3"]))) == 5
    assert metric_keys(["緑の葉", "add, obj", "../x", "??"]) == ["緑の葉", "add_ obj", "_x", "__"]


def test_kinds_are_fit_for_a_run_record_and_stay_apart():
    kinds = ["swap (a+b)", "swap [a+b]", "add, obj", "2_candidates", ""]
    parts = accuracy_parts(np.array(kinds), np.array([2, 2, 3, 3, 3]))
    for name in parts:
        _validate_metric_name(name)
    assert parts["accuracy/2_candidates"].tolist() == [True, True, False, False, False]
    alone = [items.tolist() for name, items in parts.items() if not name.endswith("_candidates")]
    assert sorted(alone) == sorted(np.eye(5, dtype=bool)[:4].tolist())


def test_without_kinds_there_is_no_part():
    assert accuracy_parts(None) == {}
    assert accuracy_parts(np.array(["", ""])) == {}
