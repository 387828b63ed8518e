"""Processes that train each run together make the runs of one process."""

import numpy as np
import pytest

from tests.executors.suites import Told
from workbench.errors import WorkbenchError
from workbench.executors import open_executor
from workbench.executors.gpus import check_ranks, shares
from workbench.executors.local import LocalExecutor
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.settings import Settings


@pytest.mark.slow
def test_a_suite_by_two_ranks_has_the_keys_and_metrics_of_one_process(tiny_model, write_colours, tmp_path):
    folder = write_colours(tmp_path / "colours")
    entries = (
        RecipeEntry(recipe="zero-shot"),
        RecipeEntry(recipe="lora", config={"epochs": 2, "precision": "fp32"}),
    )
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(folder),), recipes=entries, figures=False)
    settings = [
        Settings(cache=tmp_path / "cache", runs=tmp_path / name, precision="fp32", device="cpu") for name in "ab"
    ]
    alone = run_suite(suite, settings[0], reporter=Told())
    together = run_suite(suite, settings[1], reporter=Told(), executor=LocalExecutor(1, ranks=2))
    assert {run.status for run in together} == {"finished"}
    assert {run.key for run in together} == {run.key for run in alone}
    found = {run.key: run.metrics for run in together}
    for run in alone:
        for name, value in run.metrics.items():
            if not name.endswith("_seconds"):
                np.testing.assert_allclose(
                    found[run.key][name], value, rtol=2e-3, atol=1e-4, err_msg=f"{run.recipe} {name}"
                )


def test_each_of_the_processes_needs_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    gpus = shares(4, "cuda:0")
    check_ranks([gpus[:2], gpus[2:]], 2)
    check_ranks([[None] * 4], 4)
    with pytest.raises(WorkbenchError, match="--data-parallel 4: 2 GPUs visible"):
        check_ranks([gpus], 4)


def test_data_parallel_is_for_this_machine():
    assert isinstance(open_executor(data_parallel=2), LocalExecutor)
    with pytest.raises(WorkbenchError, match="--data-parallel"):
        open_executor("ray", data_parallel=2)
    with pytest.raises(WorkbenchError, match="--jobs 1"):
        open_executor(data_parallel=2, raise_error=True)
