"""Tasks restricted to some of their classes."""

from dataclasses import replace

import numpy as np

from workbench.testing import planted_task


def test_restricted_tasks_number_their_classes_anew():
    task, _ = planted_task(n_classes=5, shots=2, val_shots=1, unseen=1)
    assert task.seen.tolist() == [0, 1, 2, 3]
    own = replace(task, unseen=(1, 4)).restricted(np.array([1, 3]))
    assert own.class_names == own.prompts.class_names == (task.class_names[1], task.class_names[3])
    assert own.unseen == (0,)
    assert own.train.labels.tolist() == [0, 0, 1, 1]
    assert own.val.labels.tolist() == [0, 1]
    rows = np.isin(task.train.labels, [1, 3])
    np.testing.assert_array_equal(own.train.images.features.pooled, task.train.images.features.pooled[rows])
