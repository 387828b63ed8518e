"""What else may happen to a suite: signals, a second process, a full disk. Each is followed by an undisturbed run."""

import random
import signal
import time
from collections.abc import Callable, Iterator

from tests.faults.kills import finish
from tests.faults.site import RECIPES, Findings, Site, check_runs, check_text

Fault = Callable[[Site, random.Random, Findings], None]


def faults() -> Iterator[tuple[str, Fault]]:
    """Name and deed of each; the site's cache is warm or cold by turns, its store is not there."""
    for number in range(4):
        yield f"Ctrl-C once, try {number + 1}", _interrupted(signal.SIGINT, times=1)
        yield f"Ctrl-C twice, try {number + 1}", _interrupted(signal.SIGINT, times=2)
        yield f"SIGTERM, try {number + 1}", _interrupted(signal.SIGTERM, times=1)
    for number in range(3):
        yield f"two processes at once, try {number + 1}", _together(RECIPES)
        yield f"two processes in opposite order, try {number + 1}", _together(RECIPES[::-1])
    yield "three processes make the store together", _together(RECIPES, RECIPES)
    for size in (0, 100, 1_000, 4_096, 10_000, 50_000, 100_000, 200_000, 400_000, 800_000, 1_600_000):
        yield f"no space for files beyond {size:,} bytes", _full(size)


def commit_fault(site: Site, name: str, fault: Fault, rng: random.Random, found: Findings) -> None:
    """Do it, then see that the same command finishes the suite with the undisturbed numbers."""
    site.restore(*(("cache",) if rng.random() < 0.5 else ()))
    fault(site, rng, found)
    finish(site, found, name)
    check_runs(site, found, name)


def _interrupted(number: signal.Signals, times: int) -> Fault:
    def deed(site: Site, rng: random.Random, found: Findings) -> None:
        process = site.run()
        time.sleep(rng.uniform(0.2, 3.0))
        sent = False
        for _ in range(times):
            sent = process.send(number) or sent
            time.sleep(0.1)
        code = process.wait()
        what = f"{number.name} x {times}"
        check_text(process, found, what)
        if code is None:
            found.add("hang", f"{what}: {process.text()[-500:]}")
        elif code == 0 and sent and times > 1 and len(site.runs()) < len(site.expected):
            found.add("wrong exit", f"{what}: 0 although it was stopped")
        for run in site.runs():
            if run.status == "running":
                found.add("left running", f"{what}: {run.run_id}")

    return deed


def _together(*orders: tuple[str, ...]) -> Fault:
    def deed(site: Site, _rng: random.Random, found: Findings) -> None:
        processes = [
            site.run(recipes=recipes, output=f"output-{i}.txt") for i, recipes in enumerate((RECIPES, *orders))
        ]
        for process in processes:
            code = process.wait()
            check_text(process, found, "two at once")
            if code is None:
                found.add("hang", f"two at once: {process.text()[-500:]}")
            elif code != 0:
                found.add("unusable store", f"two at once: exit code {code}: {process.text()[-800:]}")

    return deed


def _full(size: int) -> Fault:
    def deed(site: Site, _rng: random.Random, found: Findings) -> None:
        process = site.start(site.command(), file_bytes=size)
        code = process.wait()
        what = f"no space beyond {size:,} bytes"
        check_text(process, found, what)
        if code is None:
            found.add("hang", f"{what}: {process.text()[-500:]}")

    return deed
