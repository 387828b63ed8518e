"""Disturb real processes in every way that was thought of, and count what is lost, doubled, wrong or leaked.

    python -m tests.faults.campaign [--kills 200] [--worker-kills 50] [--flips 2000] [--mutations 1000]
                                    [--short] [--long] [--to FILE]

`nox -s faults` does that, and writes the table of docs/reliability.md; `--long` takes ten times as many of each.
Everything happens in a temporary folder, on one process for each core.
"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.flips import KINDS, flip_bits, shares
from tests.faults.interruptions import commit_fault, faults
from tests.faults.kills import MODES, kill_at_random
from tests.faults.mutations import mutations, run_mutation
from tests.faults.processes import import_everything
from tests.faults.secrets import look_for_secrets
from tests.faults.site import Findings, Site
from tests.faults.usages import run_usage, usages
from tests.faults.verdicts import Verdict
from tests.faults.workers import kill_the_command, kill_workers
from tests.faults.world import build_world

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
KINDS_OF_HARM = (
    "unusable store", "doubled", "lost", "left running", "wrong numbers", "traceback", "hang", "wrong exit", "secret",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One row of the table.

    Attributes:
        name: What was done.
        tried: How often.
        found: What went wrong.
        note: More about the row.
    """

    name: str
    tried: int
    found: Findings
    note: str = ""

    def row(self) -> str:
        """A row in Markdown."""
        counts = [str(self.found.counts[kind]) for kind in KINDS_OF_HARM]
        return f"| {self.name} | {self.tried:,} | {' | '.join(counts)} | {self.note} |"


Work = Callable[[Path], Part]


def kills(mode: int, count: int, seed: int, folder: Path) -> Part:
    """Kills in one mode."""
    found = Findings()
    hit = kill_at_random(Site.build(folder / "site"), MODES[mode], count, random.Random(seed), found)
    return Part(f"kill -9, {MODES[mode].name}", count, found, f"{hit} met a living process")


def worker_kills(count: int, seed: int, folder: Path) -> Part:
    """Kills of workers."""
    found = Findings()
    commands = kill_workers(Site.build(folder / "site"), count, random.Random(seed), found)
    return Part("kill -9 of a worker, --jobs 2", count, found, f"all met a living one, in {commands} commands")


def command_kills(count: int, seed: int, folder: Path) -> Part:
    """Kills of the command above workers."""
    found = Findings()
    hit = kill_the_command(Site.build(folder / "site"), count, random.Random(seed), found)
    return Part("kill -9 of the command, --jobs 2", count, found, f"{hit} met a living process")


def interruptions(start: int, step: int, seed: int, folder: Path) -> Part:
    """Every `step`-th of the faults."""
    found, site, rng = Findings(), Site.build(folder / "site"), random.Random(seed)
    chosen = list(faults())[start::step]
    for name, fault in chosen:
        commit_fault(site, name, fault, rng, found)
    return Part("signals, second processes, full disks", len(chosen), found)


def flips(kind: int, count: int, seed: int, folder: Path) -> Part:
    """Flipped bits in one kind of file."""
    found = Findings()
    outcomes = flip_bits(Site.build(folder / "site"), KINDS[kind], count, random.Random(seed), found)
    note = f"{outcomes['same']} answered as before, {outcomes['error']} with an error"
    return Part(f"a flipped bit: {KINDS[kind].name}", count, found, note)


def judged(name: str, verdicts: Sequence[Verdict]) -> Part:
    """Verdicts as a row; the sentence of last resort is a traceback, wrong words and broken JSON are a wrong exit."""
    found = Findings()
    kinds = {"last resort": "traceback", "wrong words": "wrong exit", "broken json": "wrong exit"}
    for verdict in verdicts:
        if verdict.kind != "ok":
            found.add(kinds.get(verdict.kind, verdict.kind), f"{verdict.name}: {verdict.detail[-600:]}")
    return Part(name, len(verdicts), found)


def wrong_usages(start: int, step: int, every_option: bool, folder: Path) -> Part:
    """Every `step`-th of the wrong command lines."""
    world = build_world(folder)
    chosen = [usage for usage in usages() if usage.says or every_option][start::step]
    return judged("a wrong command line", [run_usage(usage, world) for usage in chosen])


def damaged_inputs(count: int, seed: int, folder: Path) -> Part:
    """Mutated cards, suites, settings, tables, archives, artifacts and pictures."""
    world = build_world(folder)
    return judged("a damaged input", [run_mutation(each, world) for each in mutations(count, seed)])


def secrets(folder: Path) -> Part:
    """Passwords."""
    found = Findings()
    return Part("a password in the address of the store", look_for_secrets(folder, found), found)


def work(options: argparse.Namespace) -> list[Work]:
    """All parts, the longest first."""
    if options.short:
        return [partial(short, options.seed)]
    times = 10 if options.long else 1
    parts: list[Work] = [partial(interruptions, i, 2, options.seed + i) for i in range(2 if options.faults else 0)]
    if options.kills:
        parts += [
            partial(kills, i, max(1, times * options.kills // len(MODES)), options.seed + i) for i in range(len(MODES))
        ]
    if options.worker_kills:
        count = times * options.worker_kills
        parts += [partial(worker_kills, count, options.seed), partial(command_kills, max(1, count // 5), options.seed)]
    if options.flips:
        parts += [partial(flips, i, count, options.seed + i) for i, count in enumerate(shares(times * options.flips))]
    if options.mutations:
        parts += [partial(damaged_inputs, times * options.mutations // 2, 2 * options.seed + i) for i in range(2)]
    if options.faults:
        parts += [partial(wrong_usages, i, 2, options.long) for i in range(2)]
        parts.append(secrets)
    return parts


def short(seed: int, folder: Path) -> Part:
    """A little of everything, on one site."""
    found, rng = Findings(), random.Random(seed)
    site = Site.build(folder / "site")
    modes = rng.sample(MODES, 1)
    for mode in modes:
        kill_at_random(site, mode, 1, rng, found)
    chosen = rng.sample(list(faults()), 1)
    for name, fault in chosen:
        commit_fault(site, name, fault, rng, found)
    kinds = rng.sample([kind for kind in KINDS if "generated" not in kind.pattern], 3)
    for kind in kinds:
        flip_bits(site, kind, 1, rng, found)
    return Part("a little of everything", len(modes) + len(chosen) + len(kinds), found)


def run(parts: Sequence[Work], workers: int) -> list[Part]:
    """Do the parts in forked processes, and say each as it is done."""
    import_everything()
    done = []
    with (
        tempfile.TemporaryDirectory(prefix="workbench-faults-") as folder,
        multiprocessing.get_context("fork").Pool(workers, maxtasksperchild=1) as pool,
    ):
        places = [(part, Path(folder) / str(i)) for i, part in enumerate(parts)]
        for part in pool.imap(_do, places, chunksize=1):
            print(part.row(), flush=True)
            for detail in part.found.details:
                print(f"  {detail}", file=sys.stderr, flush=True)
            done.append(part)
    return done


def _do(given: tuple[Work, Path]) -> Part:
    part, folder = given
    folder.mkdir()
    return part(folder)


def together(parts: Sequence[Part]) -> list[Part]:
    """Parts of one name as one."""
    rows: dict[str, list[Part]] = {}
    for part in parts:
        rows.setdefault(part.name, []).append(part)
    return [
        Part(name, sum(p.tried for p in own), Findings(sum((p.found.counts for p in own), Counter())), own[0].note)
        for name, own in rows.items()
    ]


def main() -> None:
    """Print the table, and write it into a document where one is named; exit code 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--worker-kills", type=int, default=50)
    parser.add_argument("--flips", type=int, default=2000)
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument(
        "--no-faults",
        dest="faults",
        action="store_false",
        help="leave signals, full disks, wrong command lines and passwords out",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="a little of everything, in a minute")
    parser.add_argument("--long", action="store_true", help="ten times as many of each")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    parts = together(run(work(options), options.workers))
    header = f"| what was done | tried | {' | '.join(KINDS_OF_HARM)} | |"
    lines = [header, f"|---|{'---|' * (len(KINDS_OF_HARM) + 2)}", *(part.row() for part in parts)]
    minutes = (time.monotonic() - began) / 60
    if options.to is not None:
        text = options.to.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        options.to.write_text(
            "\n".join([before + BEGIN, "", *lines, "", END]) + rest.partition(END)[2], encoding="utf-8"
        )
    harm = sum((part.found.counts for part in parts), Counter())
    print(
        f"{sum(part.tried for part in parts):,} disturbances in {minutes:.0f} min: {dict(harm) or 'nothing went wrong'}"
    )
    sys.exit(1 if harm else 0)


if __name__ == "__main__":
    main()
