"""A Ray cluster of three nodes, of which one is killed in the middle, makes what one process makes."""

import threading
import time

import pytest

from tests.executors.suites import Told, suite_of
from workbench.errors import CardError, WorkbenchError
from workbench.executors import open_executor
from workbench.executors.on_ray import RayExecutor
from workbench.executors.profile import RayProfile, read_profile
from workbench.runs import run_suite
from workbench.settings import Settings


@pytest.fixture
def settings(tmp_path, undisturbed):
    return Settings(cache=undisturbed.settings.cache, runs=tmp_path / "runs", precision="fp32", device="cpu")


@pytest.fixture
def cluster(odd_recipes, monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000, "include_dashboard": False}
    quick = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 3}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, **small, "_system_config": quick}
    )  # fmt: skip
    try:
        for _ in range(3):
            cluster.add_node(num_cpus=1, **small)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.mark.slow
def test_a_cluster_that_loses_a_node_makes_what_one_process_makes(cluster, undisturbed, settings, odd_recipes):
    suite = suite_of(undisturbed.suite.models[0], *undisturbed.suite.datasets, more=("loses-its-node",))
    told = Told()
    killing = threading.Thread(target=kill_the_node_of, args=(odd_recipes / "node", cluster))
    killing.start()
    run_suite(suite, settings, reporter=told, executor=RayExecutor(RayProfile(address=cluster.address), None))
    killing.join()
    stored = undisturbed.check(settings, others=2)
    assert {run.status for run in stored} == {"finished"}
    assert any(sentence.startswith("worker ") and "was lost" in sentence for sentence in told.sentences)
    assert len(cluster.worker_nodes) == 2
    # Workers were on several nodes.
    assert len({run.tags["workbench.process"] for run in stored}) > 1
    assert list((settings.runs / "jobs").iterdir()) == []
    greedy = RayExecutor(RayProfile(address=cluster.address, cpus=9), None)
    with pytest.raises(WorkbenchError, match=r"no node of the Ray cluster has what a worker asks for \(9 CPUs"):
        run_suite(undisturbed.suite, settings, fresh=True, executor=greedy)


def kill_the_node_of(mark, cluster):
    """Once a run says on which node it waits, end that node with everything on it."""
    until = time.monotonic() + 180
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.1)
    node = next(node for node in cluster.worker_nodes if node.node_id == mark.read_text())
    cluster.remove_node(node, allow_graceful=False)


def test_a_profile_of_a_cluster_is_read(tmp_path):
    path = tmp_path / "cluster.toml"
    path.write_text('[ray]\ncpus = 2\ngpus = 0.25\nmemory = "8GB"\nresources = {a100 = 1}\n')
    profile = read_profile(path).ray
    assert (profile.gpus, profile.memory_bytes, profile.address) == (0.25, 8_000_000_000, "auto")
    assert RayProfile(memory="1.5 T").memory_bytes == 1_500_000_000_000
    assert isinstance(open_executor("ray", jobs=3, profile=path), RayExecutor)
    path.write_text("[ray]\ngpus = 1.5\n")
    with pytest.raises(CardError, match=r"ray\.gpus"):
        read_profile(path)
