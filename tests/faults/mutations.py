"""Damaged inputs: each kind of file that commands read, with bytes or texts changed at random, from a seed.

`mutations(count, seed)` gives named cases, `run_mutation` writes one into a `World`, calls a command that reads it,
puts back what was there, and judges how it ended.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.verdicts import USUAL_EXITS, Verdict, call, judge
from tests.faults.world import World


@dataclass(frozen=True)
class Mutation:
    """One damaged input.

    Attributes:
        name: Unique.
        kind: Which input, a key of `KINDS`.
        seed: What happens to it.
    """

    name: str
    kind: str
    seed: int


@dataclass(frozen=True)
class Kind:
    """An input that is read.

    Attributes:
        file: Where it lies in the world; made by `make`, or there already.
        arguments: The command that reads it.
        make: Writes the right one into the world, before it is damaged; None where it is there.
        binary: Whether single bytes are changed rather than words.
    """

    file: str
    arguments: tuple[str, ...]
    make: Callable[[World, Path], None] | None = None
    binary: bool = True


def mutations(count: int, seed: int = 0) -> Iterator[Mutation]:
    """Cases, of every kind as many.

    Args:
        count: How many.
        seed: Other seeds give other cases.
    """
    kinds = list(KINDS)
    for i in range(count):
        kind = kinds[i % len(kinds)]
        yield Mutation(f"{kind} {seed}.{i}", kind, seed * 1_000_003 + i)


def run_mutation(mutation: Mutation, world: World, *, seconds: float = 20.0) -> Verdict:
    """Damage an input of a world, call the command that reads it, and judge; the world is as before afterwards.

    Args:
        mutation: The case.
        world: With finished runs.
        seconds: A call that takes longer hangs.
    """
    kind = KINDS[mutation.kind]
    path = world.folder / world.fill(kind.file)
    before = path.read_bytes() if path.is_file() else None
    if kind.make is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kind.make(world, path)
    rng = random.Random(mutation.seed)
    right = path.read_bytes()
    path.write_bytes(mutated(right, rng) if kind.binary or rng.random() < 0.4 else mutated_text(right, rng))
    arguments = [world.fill(each) for each in kind.arguments]
    try:
        called = call(arguments, world.folder, environment=world.environment, seconds=seconds)
    finally:
        if before is not None:
            path.write_bytes(before)
        else:
            shutil.rmtree(world.folder / "mutated", ignore_errors=True)
            path.unlink(missing_ok=True)
    return judge(mutation.name, arguments, called, codes=USUAL_EXITS)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Bytes with one to four changes: flipped bits, other bytes, cut off, left out, doubled, or exchanged."""
    found = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not found:
            break
        i = rng.randrange(len(found))
        j = min(len(found), i + 1 + int(rng.expovariate(1 / 40)))
        match rng.randrange(7):
            case 0:
                found[i] ^= 1 << rng.randrange(8)
            case 1:
                found[i] = rng.choice((0, 255, 10, 13, 34, 44, 92, 91, 123))
            case 2:
                del found[i:]
            case 3:
                del found[i:j]
            case 4:
                found[j:j] = found[i:j] * rng.choice((1, 1, 50))
            case 5:
                found[i:j] = rng.randbytes(j - i)
            case _:
                found[i:i] = rng.choice(_FRAGMENTS).encode("utf-8", "surrogatepass")
    return bytes(found)


def mutated_text(data: bytes, rng: random.Random) -> bytes:
    """Text with one to three changes: a value or a word becomes another one, a line goes, comes twice, or elsewhere."""
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(rng.randint(1, 3)):
        i = rng.randrange(len(lines))
        left, sign, _right = lines[i].partition("=")
        words = lines[i].replace(",", " , ").split(" ")
        match rng.randrange(6):
            case 0 if sign:
                lines[i] = f"{left}= {rng.choice(_VALUES)}"
            case 1:
                words[rng.randrange(len(words))] = rng.choice(_VALUES)
                lines[i] = " ".join(words).replace(" , ", ",")
            case 2:
                del lines[i]
                lines = lines or [""]
            case 3:
                lines.insert(rng.randrange(len(lines) + 1), lines[i])
            case 4:
                lines.insert(i, rng.choice(_FRAGMENTS))
            case _:
                lines[i] = lines[i].replace(
                    *rng.choice((('"', "'"), ("[", "{"), (":", "="), ("1", "-1"), ("a", "\x1b[2J")))
                )
    return "\n".join(lines).encode("utf-8", "surrogatepass")


_VALUES = (
    '""', '"\\u0000"', "-1", "0", "1e999", "nan", "inf", "true", "[]", "{}", "[[1]]", '["", 3]', "9" * 30, "9" * 5000,
    '"' + "x" * 5000 + '"', '"../../.."', '"~nobody"', '"/dev/zero"', "1979-05-27", "null", "NaN", "Infinity", '"²"',
    '"\\ud800"', '"=1+1"', '"a\\nb"', "-0.0", '"lora"', '"hub"', '"webdataset"', '"parquet"', '"generator"',
)  # fmt: skip
_FRAGMENTS = (
    "\0", "\ufeff", "\u202e", "\ud800", '"', '"""', "[[recipes]]", "[source]", "name = 1", "{" * 200, "[" * 3000,
    ",,,,", "\r", "é", "a = {b = {c = {}}}", "#", "=", "\x1b]0;x\x07",
)  # fmt: skip


def _card(world: World, path: Path) -> None:
    path.write_text(
        f'name = "some"\ntitle = "Some"\ntask = "classification"\nlanguage = "en"\nprimary_metric = "accuracy"\n'
        f'[source]\ntype = "folder"\npath = "{world.folder / "photos"}"\n'
        '[columns]\nlabel = "label"\n[splits]\nseed = 3\ntest_fraction = 0.3\nval_fraction = 0.2\n'
        '[classes]\nred = "red"\ngreen = "green"\nblue = "blue"\n'
        '[prompts]\ntemplates = ["a photo of {}.", "a {}."]\n[prompts.descriptions]\nred = ["warm"]\n'
        '[languages.de.classes]\nred = "rot"\ngreen = "grün"\nblue = "blau"\n'
    )


def _suite(world: World, path: Path) -> None:
    path.write_text(
        f'name = "tiny"\ndescription = "x"\nmodels = ["{world.places["model"]}"]\ndatasets = ["photos"]\n'
        'shots = [1, "all"]\nseeds = [0, 1]\nrefit = false\nbaseline = true\nlimit_seconds = 9.5\n'
        '[[recipes]]\nrecipe = "zero-shot"\nlabel = "zero"\n[recipes.config]\nprompts = "templates"\n'
        '[[recipes]]\nrecipe = "linear-probe"\nshots = [2]\nseeds = [3]\ndatasets = ["photos"]\n'
    )


def _settings(world: World, path: Path) -> None:
    path.write_text(
        f'cache = "{world.folder / "cache"}"\nruns = "runs"\ndata = "."\ndevice = "cpu"\nprecision = "fp32"\n'
        "workers = 1\nmax_unreadable = 0.5\n"
    )


def _project(world: World, path: Path) -> None:
    path.write_text('[project]\nname = "x"\n[tool.workbench]\nworkers = 1\ndevice = "cpu"\ndata = "."\n')


def _table(world: World, path: Path) -> None:
    _beside(world, path)
    rows = [f"{name}-{i}.png,{name},g{i},train" for name in ("red", "green", "blue") for i in range(4)]
    path.write_text("\n".join(["file_name,label,group,split", *rows]) + "\n")


def _lines(world: World, path: Path) -> None:
    import json

    _beside(world, path)
    rows = ({"file_name": f"{name}-{i}.png", "text": f"a {name} square", "box": [1, 2]} for name in ("red", "blue")
            for i in range(4))  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")


def _beside(world: World, path: Path) -> None:
    for file in (world.folder / "new").glob("*.png"):
        shutil.copy(file, path.parent)


def _parquet(world: World, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted((world.folder / "new").glob("*.png"))
    table = pa.table(
        {
            "image": [{"bytes": file.read_bytes(), "path": file.name} for file in files],
            "label": [file.name.partition("-")[0] for file in files],
        }
    )
    pq.write_table(table, path, row_group_size=5)
    _card_beside(path, "parquet")


def _shard(world: World, path: Path) -> None:
    import tarfile

    with tarfile.open(path, "w") as tar:
        for i, file in enumerate(sorted((world.folder / "new").glob("*.png"))):
            tar.add(file, f"{i:03d}.png")
            label = path.parent / "label.cls"
            label.write_text(file.name.partition("-")[0])
            tar.add(label, f"{i:03d}.cls")
            label.write_text('{"caption": "a square"}')
            tar.add(label, f"{i:03d}.json")
    _card_beside(path, "webdataset")


def _card_beside(path: Path, kind: str) -> None:
    (path.parent / "set.toml").write_text(
        f'name = "packed"\n[source]\ntype = "{kind}"\npath = "{path.name}"\n[columns]\n'
        + ('image = "image"\nlabel = "label"\n' if kind == "parquet" else 'label = "cls"\n')
    )


def _scores(world: World, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"{name}/{name}-{i}.png" for name in ("red", "green", "blue") for i in range(4)]
    pq.write_table(pa.table({"id": names, "scores": [[0.1, 0.2, 0.3]] * 12, "label": ["red"] * 12}), path)


def _image(form: str) -> Callable[[World, Path], None]:
    def make(_world: World, path: Path) -> None:
        from PIL import Image

        picture = Image.linear_gradient("L").resize((24, 24)).convert("RGB")
        picture.save(path, form)
        for i in range(3):
            picture.rotate(90 * i).save(path.with_name(f"right-{i}.png"))

    return make


_PROBE = "runs/artifacts/tiny/@linear-probe@/artifacts"
_PREDICT = ("predict", "@linear-probe@", "new", "--json")
_APPLY = ("predict", "@linear-probe@", "mutated/pictures")
_JUDGE = ("judge", "mutated/set", "--model", "@model@", "--no-log", "--json")
_IMPORT = ("compare", "@linear-probe@", "mutated/scores.parquet", "--json")
_PLAN = ("run", "mutated/suite.toml", "--dry-run", "--measure", "0", "--json")
_COMPARE = ("compare", "@linear-probe@", "@zero-shot@", "--json")

KINDS: dict[str, Kind] = {
    "card": Kind("mutated/card.toml", ("check", "mutated/card.toml", "--json"), _card, binary=False),
    "shown card": Kind("mutated/card.toml", ("show", "dataset", "mutated/card.toml", "--json"), _card, binary=False),
    "suite": Kind(
        "mutated/suite.toml",
        ("run", "mutated/suite.toml", "--dry-run", "--measure", "0", "--json"),
        _suite,
        binary=False,
    ),
    "settings": Kind("workbench.toml", ("check", "photos", "--json"), _settings, binary=False),
    "project": Kind("pyproject.toml", ("list", "suites", "--json"), _project, binary=False),
    "project settings": Kind("pyproject.toml", ("cache", "ls", "--json"), _project, binary=False),
    "csv": Kind("mutated/set/metadata.csv", ("check", "mutated/set", "--json"), _table, binary=False),
    "jsonl": Kind("mutated/set/metadata.jsonl", ("check", "mutated/set", "--json"), _lines, binary=False),
    "prompts": Kind("mutated/set/metadata.jsonl", _JUDGE, _lines, binary=False),
    "parquet": Kind("mutated/set/data.parquet", ("check", "mutated/set/set.toml", "--json"), _parquet),
    "shard": Kind("mutated/set/data.tar", ("check", "mutated/set/set.toml", "--json"), _shard),
    **{
        form.lower(): Kind(f"mutated/pictures/odd.{form.lower()}", _APPLY, _image(form))
        for form in ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP")
    },
    "scores": Kind("mutated/scores.parquet", _IMPORT, _scores),
    "predictions": Kind(f"{_PROBE}/predictions.parquet", _COMPARE),
    "config": Kind(f"{_PROBE}/config.json", _PREDICT, binary=False),
    "run's card": Kind(f"{_PROBE}/card.toml", _PREDICT, binary=False),
    "predictor": Kind(f"{_PROBE}/predictor/linear.json", _PREDICT, binary=False),
    "weights": Kind(f"{_PROBE}/predictor/linear.safetensors", _PREDICT),
    "model config": Kind("model/open_clip_config.json", ("show", "model", "@model@", "--json"), binary=False),
    "model weights": Kind("model/open_clip_model.safetensors", ("show", "model", "@model@", "--json")),
    "store": Kind("runs/mlflow.db", ("results", "--json")),
}
"""By name."""
