"""How tasks come together: stacks of similar size, padding that means nothing, text embedded once."""

from dataclasses import replace

import numpy as np
import torch

from adapters._heads.batches import batch_tasks, buckets
from adapters._heads.few_shot import few_shots
from adapters.gda import Gda
from adapters.tip_adapter import TipAdapter
from workbench.plugin import normalise
from workbench.testing import planted_task


def tasks(*shots):
    found = [planted_task(n_classes=3, shots=s)[0] for s in shots]
    return [replace(task, model=found[0].model, prompts=found[0].prompts) for task in found]


def test_tasks_of_similar_size_share_a_bucket_and_no_other():
    sizes = few_shots(tasks(16, 1, 15, 1, 4))
    found = [sorted(own) for own in buckets(sizes)]
    assert found == [[1, 3], [4], [0, 2]]


def test_a_stack_is_its_tasks_and_zeros():
    both = tasks(5, 3)
    batch = batch_tasks(few_shots(both), "projected")
    for i, task in enumerate(both):
        n = len(task.train)
        np.testing.assert_allclose(batch.train.x[i, :n], normalise(task.train.images.features.projected))
        np.testing.assert_array_equal(batch.train.labels[i, :n], task.train.labels)
        assert batch.train.mask[i].tolist() == [1.0] * n + [0.0] * (15 - n)
        assert not batch.train.x[i, n:].any()
        assert not batch.train.target[i, n:].any()
    assert batch.train.count.tolist() == [15, 9]


def test_class_names_that_tasks_share_are_embedded_once(monkeypatch):
    own, calls = tasks(1, 2, 4), []
    encode = own[0].model.encode_texts
    monkeypatch.setattr(own[0].model, "encode_texts", lambda texts: calls.append(texts) or encode(texts))
    few_shots(own)
    assert len(calls) == 1


def test_all_seeds_of_a_size_are_swept_together(monkeypatch):
    sizes, sweep = [], Gda.sweep
    monkeypatch.setattr(Gda, "sweep", lambda self, batch, grid: sizes.append(len(batch)) or sweep(self, batch, grid))
    Gda(Gda.Config(features="pooled")).fit_many(tasks(1, 4, 1, 4, 4))
    assert sizes == [2, 3]


def test_one_affinity_serves_the_whole_grid(monkeypatch):
    import adapters.tip_adapter as module

    calls, by_rows = [], module.by_rows
    monkeypatch.setattr(module, "by_rows", lambda *given: calls.append(1) or by_rows(*given))
    report = TipAdapter(TipAdapter.Config(features="pooled")).fit_many(tasks(4, 4))[0].report
    assert len(report.trials) > 50
    assert len(calls) == 1


def test_joined_tasks_fit_validation_images_too():
    shot = few_shots(tasks(2))[0]
    joined = shot.joined()
    assert len(joined.train) == len(shot.train) + len(shot.val)
    assert len(joined.val) == 0
    torch.testing.assert_close(joined.train.pooled[-1], shot.val.pooled[-1])
