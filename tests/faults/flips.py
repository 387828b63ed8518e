"""Flip single bits in every kind of file that the workbench writes and reads again, and see what commands say then.

Right is: the undisturbed answer, or an error that names what is damaged. Wrong is another answer.
"""

import json
import os
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.site import Findings, Site, check_text


@dataclass(frozen=True)
class Kind:
    """A kind of file, and the command that reads it.

    Attributes:
        name: For tables.
        pattern: Of its files, below the site; `{run}` is the run that the command reads.
        arguments: The command, by site.
        share: Of all flips.
        always: Whether the file's time stays as it was at each flip, and not at every second one.
        without: What is removed before, so that the file is needed.
    """

    name: str
    pattern: str
    arguments: Callable[[Site], list[str]]
    share: float = 1.0
    always: bool = False
    without: str = ""


def _embed(site: Site) -> list[str]:
    return ["embed", str(site.folder / "photos"), "--model", _model(site), "--to", "features.parquet"]


def _search(site: Site) -> list[str]:
    where = [str(site.folder / "photos"), "--model", _model(site), "--json"]
    return ["search", *where, "a red thing", "--top", "5", "--index", "approximate"]


def _predict(site: Site) -> list[str]:
    return ["predict", site.run_of("linear-probe"), "new", "--json"]


def _compare(site: Site) -> list[str]:
    return ["compare", site.run_of("linear-probe"), site.run_of("knn"), "--json"]


def _generated(site: Site) -> list[str]:
    return ["embed", "leaf-morphology", "--model", _model(site), "--to", "features.parquet", "--split", "val"]


def _model(site: Site) -> str:
    return f"local-dir:{site.folder / 'model'}"


KINDS = (
    Kind("features of images", "cache/features/*/images*/*.safetensors", _embed),
    Kind("features of texts", "cache/features/*/texts/*.safetensors", _search),
    Kind("identity of a model", "cache/models/*.identity", _embed),
    Kind("manifest", "cache/manifests/*/*.manifest", _embed),
    Kind("search index", "cache/search/*", _search),
    # A weight file with another time is another model, and that is right.
    Kind("weights of a model", "model/*.safetensors", _embed, always=True, without="cache/features"),
    Kind("predictions of a run", "runs/artifacts/*/{run}/artifacts/predictions.parquet", _compare),
    Kind("settings of a run", "runs/artifacts/*/{run}/artifacts/c*.*", _predict),
    Kind("predictor of a run", "runs/artifacts/*/{run}/artifacts/predictor/*", _predict),
    Kind("generated pictures", "cache/generated/*/**/*.*", _generated, share=0.1),
)


def flip_bits(site: Site, kind: Kind, flips: int, rng: random.Random, found: Findings) -> dict[str, int]:
    """Flip one bit at a time.

    Returns:
        How many commands gave the undisturbed answer, and how many an error.
    """
    site.restore("cache", "runs")
    expected = _answer(site, kind, found)
    assert expected is not None, f"{kind.name}: {found.details[-1:]}"
    kept = site.folder / "flips.kept"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    for name in ("cache", "runs", "model"):
        shutil.copytree(site.folder / name, kept / name)
    outcomes = {"same": 0, "error": 0}
    pattern = kind.pattern.format(run=site.run_of("linear-probe"))
    for number in range(flips):
        if kind.without:
            shutil.rmtree(site.folder / kind.without, ignore_errors=True)
        path = rng.choice(sorted(site.folder.glob(pattern)))
        where = _flip(path, rng, keep_time=kind.always or number % 2 == 0)
        answer = _answer(site, kind, found, f"{kind.name}: {path.name}, {where}")
        outcomes["error" if answer is None else "same"] += 1
        if answer is not None and answer != expected:
            found.add("wrong numbers", f"{kind.name}: {path.name}, {where}: another answer, and no error")
        for name in ("cache", "runs", "model"):
            shutil.rmtree(site.folder / name)
            shutil.copytree(kept / name, site.folder / name)
    return outcomes


def _flip(path: Path, rng: random.Random, *, keep_time: bool) -> str:
    stat, data = path.stat(), bytearray(path.read_bytes())
    bit = rng.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    if keep_time:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return f"bit {bit} of {8 * len(data)}, time {'kept' if keep_time else 'new'}"


def _answer(site: Site, kind: Kind, found: Findings, what: str = "undisturbed") -> str | None:
    """What the command answers, as text; None where it ends with an error, which must be a sentence."""
    (site.folder / "features.parquet").unlink(missing_ok=True)
    process = site.start(kind.arguments(site), output="answer.txt")
    code = process.wait()
    check_text(process, found, what)
    if code is None:
        found.add("hang", f"{what}: {process.text()[-500:]}")
    if code != 0:
        if code is not None and code not in {1, 2}:
            found.add("traceback", f"{what}: ended with {code}: {process.text()[-500:]}")
        return None
    return _table(site) if (site.folder / "features.parquet").exists() else _json(process.text())


def _table(site: Site) -> str:
    import pyarrow.parquet as pq

    return repr(pq.read_table(site.folder / "features.parquet").to_pydict())


def _json(text: str) -> str:
    """The JSON in what was printed; what was said of damage stands before and behind it."""
    starts = [text.find("\n{"), text.find("\n["), 0 if text[:1] in ("{", "[") else -1]
    start = min(position for position in starts if position >= 0)
    content, _ = json.JSONDecoder().raw_decode(text[start:].lstrip())
    return re.sub(r'"[a-z_]*seconds": [^,}]*', "", json.dumps(content, sort_keys=True))


def shares(flips: int, kinds: Sequence[Kind] = KINDS) -> list[int]:
    """How many of `flips` each kind gets; at least one."""
    whole = sum(kind.share for kind in kinds)
    return [max(1, round(flips * kind.share / whole)) for kind in kinds]
