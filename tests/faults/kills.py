"""Kill a suite at random moments, more than once, let it go on, and compare with the undisturbed one."""

import random
import signal
import time
from dataclasses import dataclass

from tests.faults.site import Findings, Site, check_runs, check_text


@dataclass(frozen=True)
class Mode:
    """A state in which the suite is killed.

    Attributes:
        name: For tables.
        kept: What is there from an undisturbed run: `cache`, `runs`.
        arguments: Added to the command.
        span: Kills come in this first part of an undisturbed run's time.
    """

    name: str
    kept: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    span: float = 1.0


MODES = (
    Mode("cold"),
    Mode("warm features", ("cache",)),
    Mode("making the store", ("cache",), span=0.5),
    Mode("--fresh", ("cache", "runs"), ("--fresh",)),
)


def kill_at_random(site: Site, mode: Mode, kills: int, rng: random.Random, found: Findings) -> int:
    """Kill `kills` commands in a mode; after one to three kills in a row the command is let finish, and checked.

    Returns:
        How many commands were met alive; the others had ended before.
    """
    seconds = _undisturbed(site, mode)
    done = hit = 0
    while done < kills:
        site.restore(*mode.kept)
        what = f"{mode.name}, kill {done + 1}"
        for _ in range(min(rng.choice((1, 1, 2, 3)), kills - done)):
            process = site.run(*mode.arguments)
            time.sleep(rng.uniform(0, mode.span * seconds))
            hit += process.send(signal.SIGKILL)
            process.wait()
            done += 1
        before = [] if "--fresh" in mode.arguments else [run for run in site.runs() if run.status == "finished"]
        finish(site, found, what, *mode.arguments)
        check_runs(site, found, what, before)
    return hit


def finish(site: Site, found: Findings, what: str, *arguments: str) -> None:
    """Run the suite to its end, and note if it does not get there."""
    process = site.run(*arguments)
    code = process.wait()
    check_text(process, found, what)
    if code is None:
        found.add("hang", f"{what}: {process.text()[-500:]}")
    elif code != 0:
        found.add("unusable store", f"{what}: exit code {code}: {process.text()[-800:]}")


def _undisturbed(site: Site, mode: Mode) -> float:
    site.restore(*mode.kept)
    began = time.monotonic()
    process = site.run(*mode.arguments)
    assert process.wait() == 0, process.text()
    return time.monotonic() - began
