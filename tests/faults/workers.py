"""Kill workers of `--jobs 2` at random moments, and the command above them; compare with the undisturbed suite."""

import json
import os
import random
import signal
import time
from pathlib import Path

from tests.faults.kills import finish
from tests.faults.processes import HANG, Process
from tests.faults.site import Findings, Site, check_runs, check_text

JOBS = ("--jobs", "2")
_AT_MOST = 5
"""Kills in one command."""
_GIVEN_UP = "(the last of 3 attempts)"
_GONE_SECONDS = 5.0


def kill_workers(site: Site, kills: int, rng: random.Random, found: Findings) -> int:
    """Kill `kills` workers, some of them in each command, which has to come to its end all the same.

    A run that cost three workers is recorded as failed; the same command makes it then.

    Returns:
        How many commands were disturbed.
    """
    span = _seconds_of_work(site)
    hit = commands = 0
    while hit < kills:
        site.restore(*rng.choice(((), ("cache",))))
        commands += 1
        process = site.run(*JOBS)
        for _ in range(min(rng.randint(1, _AT_MOST), kills - hit)):
            _wait_for_a_worker(site, process)
            time.sleep(rng.uniform(0, span))
            hit += _kill_one(site, rng)
        what = f"after {hit} kills of workers"
        code = process.wait()
        check_text(process, found, what)
        if code is None:
            found.add("hang", f"{what}: {process.text()[-500:]}")
        elif code == 1 and _GIVEN_UP in process.text():
            finish(site, found, what, *JOBS)
        elif code != 0:
            found.add("lost", f"{what}: exit code {code}: {process.text()[-800:]}")
        check_runs(site, found, what)
    return commands


def kill_the_command(site: Site, kills: int, rng: random.Random, found: Findings) -> int:
    """Kill the command while its workers are at work: they must end, and the same command must finish the suite."""
    span = _seconds_of_work(site)
    hit = 0
    for number in range(kills):
        site.restore(*rng.choice(((), ("cache",))))
        what = f"kill {number + 1} of the command"
        process = site.run(*JOBS)
        _wait_for_a_worker(site, process)
        time.sleep(rng.uniform(0, span))
        hit += process.send(signal.SIGKILL)
        process.wait()
        _check_gone(site, found, what)
        before = [run for run in site.runs() if run.status == "finished"]
        finish(site, found, what, *rng.choice(((), JOBS)))
        check_runs(site, found, what, before)
    return hit


def _seconds_of_work(site: Site) -> float:
    """For how long there are workers, undisturbed."""
    site.restore("cache")
    process = site.run(*JOBS)
    _wait_for_a_worker(site, process)
    began = time.monotonic()
    while _living(site):
        time.sleep(0.02)
    seconds = time.monotonic() - began
    assert process.wait() == 0, process.text()
    return seconds


def _wait_for_a_worker(site: Site, process: Process) -> None:
    until = time.monotonic() + HANG
    while not _living(site) and process.wait(0.02, kill=False) is None and time.monotonic() < until:
        pass


def _kill_one(site: Site, rng: random.Random) -> bool:
    living = _living(site)
    if not living:
        return False
    try:
        os.kill(rng.choice(living), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _check_gone(site: Site, found: Findings, what: str) -> None:
    until = time.monotonic() + _GONE_SECONDS
    while living := _living(site):
        if time.monotonic() > until:
            found.add("left running", f"{what}: workers {living}")
            return
        time.sleep(0.1)


def _living(site: Site) -> list[int]:
    """Process numbers of the workers that are alive."""
    pids = []
    for file in site.folder.glob("runs/jobs/*/*.events"):
        lines = file.read_bytes().splitlines()
        pids += [int(json.loads(line)["ready"]) for line in lines if line.startswith(b'{"ready"')]
    return [pid for pid in pids if _is_a_worker(pid)]


def _is_a_worker(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return b"nursery" in Path(f"/proc/{pid}/cmdline").read_bytes() and stat.rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
