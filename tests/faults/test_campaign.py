"""A little of the campaign of `nox -s faults`, in a process of its own, since it forks."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_wrong_whatever_happens():
    command = [sys.executable, "-m", "tests.faults.campaign", "--short", "--workers", "1"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert "nothing went wrong" in done.stdout
