"""What `run --dry-run` says beside the plan."""

from pathlib import Path

import pytest

from workbench.cli._forecast import _notes
from workbench.executors import workers_of
from workbench.settings import Settings


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.toml"
    path.write_text("[slurm]\ngpus = 1\nparallel = 3\n[ray]\ngpus = 0.5\n", encoding="utf-8")
    return path


def test_workers_are_those_that_would_be_started(profile):
    assert workers_of() == (1, False)
    assert workers_of("local", 4) == (4, False)
    assert workers_of("ray", 4, profile) == (4, False)
    assert workers_of("slurm", None, profile) == (3, True)


def test_what_is_not_reckoned_with_is_said(profile, settings: Settings):
    assert _notes(settings, "local", 4, None, 1) == []
    assert "--data-parallel 2 is not in it" in _notes(settings, "local", None, None, 2)[0]
    assert "GPU hours unknown" in _notes(settings, "slurm", None, profile, 1)[0]
    assert _notes(settings, "slurm", None, None, 1) == []
    ray = _notes(settings, "ray", None, profile, 1)
    assert "--jobs says more" in ray[0]
    assert "GPU hours unknown" in ray[1]
