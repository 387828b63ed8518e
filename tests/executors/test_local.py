"""Several processes of this machine make what one process makes, whatever happens to them."""

import os
import signal

import pytest

from tests.executors.suites import Told, suite_of
from workbench.errors import WorkbenchError
from workbench.executors import open_executor
from workbench.executors.gpus import shares
from workbench.executors.local import LocalExecutor
from workbench.runs import run_suite
from workbench.settings import Settings
from workbench.tracking import open_store


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", precision="fp32", device="cpu")


@pytest.mark.slow
def test_lost_workers_lose_and_double_nothing(undisturbed, settings, odd_recipes, monkeypatch):
    monkeypatch.setattr("workbench.runs.pieces.BLOCK", 4)  # So that both workers compute features of each dataset.
    suite = suite_of(undisturbed.suite.models[0], *undisturbed.suite.datasets, more=("dies", "dies-once"))
    told = Told()
    runs = run_suite(suite, settings, reporter=told, executor=LocalExecutor(2))
    stored = undisturbed.check(settings, others=4)
    assert {run.run_id for run in runs} == {run.run_id for run in stored}
    dead = [run for run in stored if run.recipe == "dies"]
    assert [run.status for run in dead] == ["failed", "failed"]
    assert "its worker was lost: ended by signal 9 (the last of 3 attempts)" in dead[0].tags["workbench.error"]
    assert (odd_recipes / "deaths").read_text().count("died") == 6  # Three attempts on each dataset.
    assert [run.status for run in stored if run.recipe == "dies-once"] == ["finished", "finished"]
    assert sum(sentence.startswith("worker") and "was lost" in sentence for sentence in told.sentences) == 7
    assert told.extracted == undisturbed.extracted  # No image went through the network twice.
    assert told.bars["runs"] == (len(stored), len(stored))
    store = open_store(settings)
    assert store.spool.entries(store.server) == []
    assert list((settings.runs / "jobs").iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_in_hand_and_the_same_call_goes_on(undisturbed, settings):
    settings = settings.model_copy(update={"cache": undisturbed.settings.cache})
    told = Told("finished: ", lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run_suite(undisturbed.suite, settings, reporter=told, executor=LocalExecutor(2))
    assert any("Stopped after" in sentence for sentence in told.sentences)
    said = sum(sentence.startswith("finished: ") for sentence in told.sentences)
    assert 0 < said < len(undisturbed.runs)
    again = Told()
    run_suite(undisturbed.suite, settings, reporter=again)
    assert f"{said} of {len(undisturbed.runs)} runs are finished already." in again.sentences
    undisturbed.check(settings)


def test_gpus_are_shared_out_in_turn(monkeypatch):
    assert shares(2, "cpu") == [None, None]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-5a,7")
    assert shares(4, "cuda:0") == ["2", "GPU-5a", "7", "2"]
    assert shares(2, "cuda:1") == ["GPU-5a", "GPU-5a"]


def test_one_job_is_this_process_and_stopping_at_an_error_goes_with_it_alone():
    assert open_executor(jobs=1, raise_error=True) is None
    assert isinstance(open_executor(jobs=3), LocalExecutor)
    with pytest.raises(WorkbenchError, match="--jobs 1"):
        open_executor(jobs=2, raise_error=True)
