"""Wrong usages of every command: what is given, and what must be said of it.

`usages()` gives named cases, `run_usage` runs one in a `World` and judges it. Hand-written cases say which words must
be in the sentence; those made from the commands' own options cross every option and argument with wrong values, and
must only end in an orderly way.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.verdicts import USUAL_EXITS, Verdict, call, judge
from tests.faults.world import World


@dataclass(frozen=True)
class Usage:
    """One wrong usage.

    Attributes:
        name: Unique.
        arguments: The command line, with `@name@` for places of the world.
        says: Words that must be in the sentence.
        codes: Exit codes that are right.
        environment: Variables on top of the world's, by name.
    """

    name: str
    arguments: tuple[str, ...]
    says: str = ""
    codes: frozenset[int] = frozenset({2})
    environment: tuple[tuple[str, str], ...] = ()


def usages() -> list[Usage]:
    """Every case; names are unique."""
    return [*_written(), *_crossed()]


def run_usage(usage: Usage, world: World, *, seconds: float = 20.0) -> Verdict:
    """Run a case in a world and judge how it ended.

    Args:
        usage: The case.
        world: Where; commands leave nothing in it that another case would stumble over.
        seconds: A call that takes longer hangs.
    """
    arguments = [world.fill(each) for each in usage.arguments]
    environment = world.environment | {key: world.fill(value) for key, value in usage.environment}
    called = call(arguments, world.folder, environment=environment, seconds=seconds)
    return judge(usage.name, arguments, called, codes=usage.codes, says=world.fill(usage.says))


_RUN = ("run", "--model", "@model@", "--dataset", "@photos@", "--recipe", "zero-shot")
_LONG = "x" * 5000
_NESTED = "[" * 10_000

_TABLE: tuple[tuple[tuple[str, ...], str], ...] = (
    # run
    (("run",), "missing: --model, --dataset, --recipe"),
    (("run", "quickstrat"), "did you mean 'quickstart'"),
    (("run", ""), "suite"),
    (("run", "@photos@"), "suite"),
    (("run", "no/such.toml"), "cannot be read"),
    ((*_RUN, "--shots", "²"), "--shots ²: expected a number"),
    ((*_RUN, "--shots", "-1"), "--shots -1"),
    (("run", "--model", "@model@", "--dataset", "@photos@", "--recipe", "linear-probe", "--shots", "0"), "shots = 0"),
    ((*_RUN, "--shots", ""), "--shots"),
    ((*_RUN, "--shots", "1.5"), "--shots 1.5"),
    ((*_RUN, "--shots", "9" * 5000), "--shots"),
    ((*_RUN, "--seed", "-1"), "--seed"),
    ((*_RUN, "--seed", "9" * 30), "--seed"),
    ((*_RUN, "--seed", "one"), "--seed"),
    ((*_RUN, "--set", "x=[[[["), "RECIPE.KEY=VALUE"),
    ((*_RUN, "--set", "zero-shot"), "RECIPE.KEY=VALUE"),
    ((*_RUN, "--set", ".=1"), "RECIPE.KEY=VALUE"),
    ((*_RUN, "--set", "lora.rank=1"), "not run"),
    ((*_RUN, "--set", f"zero-shot.prompts={_NESTED}"), "prompts"),
    ((*_RUN, "--set", f"zero-shot.prompts={'9' * 5000}"), "prompts"),
    ((*_RUN, "--set", f"zero-shot.prompts={'[' * 5000}{']' * 5000}"), "prompts"),
    ((*_RUN, "--set", "zero-shot.promts=x"), "did you mean"),
    ((*_RUN, "--set", "zero-shot.prompts=1\nx = 2"), "prompts"),
    ((*_RUN, "--name", ""), "name"),
    ((*_RUN, "--name", _LONG), "name"),
    ((*_RUN, "--name", "a\nb"), "name"),
    ((*_RUN, "--name", "a\0b"), "name"),
    ((*_RUN, "--name", "\udcff"), "name"),
    ((*_RUN, "--language", "klingon"), "language"),
    ((*_RUN, "--language", ""), "language"),
    ((*_RUN, "--device", "gpu"), "--device"),
    ((*_RUN, "--device", "cuda:²"), "--device"),
    ((*_RUN, "--max-unreadable", "nan"), "--max-unreadable"),
    ((*_RUN, "--max-unreadable", "2"), "--max-unreadable"),
    ((*_RUN, "--max-unreadable", "-1"), "--max-unreadable"),
    ((*_RUN, "--tracking-uri", "nonsense://host"), "nonsense"),
    ((*_RUN, "--tracking-uri", "postgresql://u:pw@localhost/x"), "postgresql"),
    ((*_RUN, "--tracking-uri", "mysql://u:pw@localhost/x"), "mysql"),
    ((*_RUN, "--tracking-uri", "\0"), "tracking"),
    ((*_RUN, "--tracking-uri", "sqlite:////dev/null/x.db"), "/dev/null"),
    ((*_RUN, "--cache", "@txt@"), "other.txt"),
    ((*_RUN, "--cache", "/dev/null"), "/dev/null"),
    ((*_RUN, "--cache", "a\0b"), "--cache"),
    ((*_RUN, "--limit", "0"), "--limit"),
    ((*_RUN, "--limit", "nan"), "--limit"),
    ((*_RUN, "--limit", "-3"), "--limit"),
    # datasets and models, where they are read
    (("check", "~nobody/photos"), "~nobody"),
    (("check", _LONG), "dataset"),
    (("check", f"./{_LONG}"), "dataset"),
    (("check", ""), "dataset"),
    (("check", "a\0b"), "NUL"),
    (("check", "\udcff"), "dataset"),
    (("check", "./\udcff"), "dataset"),
    (("check", "@nothing@"), "class sub-folders"),
    (("check", "/dev/null"), "expected a registered name, a folder, or a card file"),
    (("check", "@txt@"), "expected a registered name, a folder, or a card file"),
    (("check", "photo"), "no dataset is called"),
    (("check", "@pipe-table@"), "metadata.csv"),
    (("check", "@endless-table@"), "metadata.csv"),
    (("show", "model", "local-dir:~nobody"), "~nobody"),
    (("show", "model", "ViT-B-32@~nobody/x"), "~nobody"),
    (("show", "model", f"local-dir:{_LONG}"), "model"),
    (("show", "model", "local-dir:a\0b"), "NUL"),
    (("show", "model", "local-dir:@nothing@"), "open_clip_config.json"),
    (("show", "model", "ViT-B-32-quickgelu@@pipe.png@"), "pipe.png"),
    (("show", "model", "ViT-B-32-quickgelu@@endless.png@"), "endless.png"),
    (("show", "model", "ViT-B-32-quickgelu@@noise.png@"), "model"),
    (("show", "model", ""), "model"),
    (("show", "model", _LONG), "model"),
    (("show", "model", "hf-hub:"), "must follow"),
    (("show", "model", "hf-hub:../../x"), "hf-hub"),
    (("show", "model", f"hf-hub:{_LONG}"), "hf-hub"),
    (("show", "model", "hf-hub:a\0b"), "hf-hub"),
    (("show", "recipe", "zeroshot"), "did you mean"),
    (("show", "recipe", ""), "no recipe is called"),
    (("show", "recipe", "\udcff"), "no recipe is called"),
    (("show", "run", ""), "run"),
    (("show", "run", "zzzz"), "run"),
    (("show", "run", "%"), "run"),
    (("show", "run", "' OR 1=1 --"), "run"),
    (("show", "suite", "few"), "suite"),
    (("show", "generator", "x"), "is not one of"),
    (("show", "dataset", "@latin.toml@"), "UTF-8"),
    *(
        (("show", kind, f"@{name}@"), name)
        for kind in ("dataset", "suite")
        for name in (
            "empty.toml",
            "latin.toml",
            "nul.toml",
            "deep.toml",
            "keys.toml",
            "digits.toml",
            "number.toml",
            "list.toml",
            "bom.toml",
            "folder.toml",
            "pipe.toml",
            "endless.toml",
            "round.toml",
        )
        if (kind, name) != ("dataset", "folder.toml")
    ),
    # output files
    (("predict", "@linear-probe@", "@new@", "--output", "@nothing@"), "is a folder"),
    (("predict", "@linear-probe@", "@new@", "--output", "@txt@/x.csv"), "is no folder"),
    (("predict", "@linear-probe@", "@new@", "--output", "/dev/null/x"), "/dev/null"),
    (("predict", "@linear-probe@", "@new@", "--output", "a\0b"), "--output"),
    (("predict", "@linear-probe@", "@new@", "--output", _LONG), "--output"),
    (("predict", "@linear-probe@", "@new@", "--output", "@pipe.csv@"), "--output"),
    (("predict", "@linear-probe@", "@new@", "--top", "0"), "--top"),
    (("predict", "@linear-probe@", "@new@", "--top", "²"), "--top"),
    (("predict", "@linear-probe@", "@txt@"), "is not a folder"),
    (("predict", "@linear-probe@", "@nothing@"), "no image files"),
    (("predict", "@linear-probe@", "@pipe.png@"), "is not a folder"),
    (("predict", "@linear-probe@", "a\0b"), "NUL"),
    (("predict", "@linear-probe@", _LONG), "folder"),
    (("predict", "zzz", "@new@"), "run"),
    (("predict", "", "@new@"), "run"),
    (("embed", "@photos@", "--model", "@model@", "--to", "@nothing@"), "is a folder"),
    (("embed", "@photos@", "--model", "@model@", "--to", "@txt@/x"), "is no folder"),
    (("embed", "@photos@", "--model", "@model@", "--to", "a\0b"), "--to"),
    (("export", "@linear-probe@", "--to", "@txt@"), "--to"),
    (("export", "@linear-probe@", "--to", "@photos@"), "--to"),
    (("export", "@linear-probe@", "--to", "a\0b"), "--to"),
    (("export", "@linear-probe@", "--to", "adapted", "--format", "open_clip"), "changes no weights"),
    (("report", "tiny", "--to", "@txt@"), "--to"),
    (("report", "tniy", "--to", "report"), "tniy"),
    (("report", "tiny", "--to", "a\0b"), "--to"),
    (("report", "tiny", "--to", "report", "--metric", "acuracy"), "acuracy"),
    (("new",), "Usage"),
    (("new", "recipe", ""), "name"),
    (("new", "recipe", "1x"), "name"),
    (("new", "recipe", "../x"), "name"),
    (("new", "recipe", "class"), "name"),
    (("new", "recipe", _LONG), "name"),
    (("new", "recipe", "my-probe", "--to", "@txt@"), "--to"),
    (("new", "recipe", "my-probe", "--to", "a\0b"), "--to"),
    # results, compare, list, search, judge, cache, doctor, dashboard
    (("results", "--suite", "tniy"), "did you mean 'tiny'"),
    (("results", "--dataset", "nothing"), "--dataset"),
    (("results", "--model", "nothing"), "--model"),
    (("results", "--recipe", "nothing"), "--recipe"),
    (("results", "--metric", "acuracy"), "acuracy"),
    (("results", "--status", "done"), "--status"),
    (("results", "--format", "xlsx"), "--format"),
    (("results", "--suite", "\udcff"), "not valid UTF-8"),
    (("compare",), "--suite"),
    (("compare", "@linear-probe@"), "compare"),
    (("compare", "@linear-probe@", "zzz"), "zzz"),
    (("compare", "@linear-probe@", "@zero-shot@", "--metric", "x"), "metric"),
    (("compare", "@linear-probe@", "@noise.parquet@"), "noise.parquet"),
    (("compare", "@linear-probe@", "@folder.parquet@"), "folder.parquet"),
    (("compare", "@linear-probe@", "@pipe.parquet@"), "pipe.parquet"),
    (("compare", "@linear-probe@", "@endless.parquet@"), "endless.parquet"),
    (("compare", "@linear-probe@", "@round.parquet@"), "round.parquet"),
    (("compare", "@linear-probe@", "a\0b.parquet"), "parquet"),
    (("compare", "--suite", "tniy"), "tniy"),
    (("compare", "--suite", "tiny", "--shots", "²"), "²"),
    (("compare", "--suite", "tiny", "@linear-probe@"), "either runs or --suite"),
    (("list",), "Missing argument"),
    (("list", "things"), "things"),
    (("list", "datasets", "--field", "botny"), "did you mean 'botany'"),
    (("search", "@photos@", "--model", "@model@"), "sentence"),
    (("search", "@photos@", "a cat", "--model", "@model@", "--image", "@pipe.png@"), "pipe.png"),
    (("search", "@photos@", "a cat", "--model", "@model@", "--image", "@endless.png@"), "endless.png"),
    (("search", "@photos@", "a cat", "--model", "@model@", "--image", "@noise.png@"), "noise.png"),
    (("search", "@photos@", "a cat", "--model", "@model@", "--image", "@folder.png@"), "folder.png"),
    (("search", "@photos@", "a cat", "--model", "@model@", "--html", "@nothing@"), "--html"),
    (("search", "@photos@", "²", "a cat", "--model", "@model@", "--top", "-1"), "--top"),
    (("search", "@photos@", "", "--model", "@model@"), "sentence"),
    (("search", "@photos@", "9" * 500, "a cat", "--model", "@model@"), "weight"),
    (("search", "@photos@", "+", "--model", "@model@"), "+"),
    (("judge", "@photos@", "--model", "@model@"), "metadata"),
    (("judge", "@pipe-table@", "--model", "@model@"), "metadata"),
    (("judge", "@endless-table@", "--model", "@model@"), "metadata"),
    (("judge", "@txt@", "--model", "@model@"), "folder"),
    (("judge", "a\0b", "--model", "@model@"), "NUL"),
    (("cache",), "Usage"),
    (("cache", "prune"), "say what to delete"),
    (("cache", "prune", "--older-than", "nan"), "--older-than"),
    (("cache", "prune", "--older-than", "1e300"), "--older-than"),
    (("cache", "prune", "--older-than", "-1"), "--older-than"),
    (("cache", "prune", "--older-than", "²"), "--older-than"),
    (("dashboard", "--port", "0"), "--port"),
    (("dashboard", "--port", "²"), "--port"),
    (("dashboard", "--cache", "a\0b"), "--cache"),
    (("dashbord",), "did you mean 'dashboard'"),
    (("",), "command"),
    (("\udcff",), "command"),
    (("--nonsense",), "--nonsense"),
)

_ENVIRONMENT: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    # Variable, arguments, value, words.
    ("WORKBENCH_RUNS", _RUN, "/dev/null", "/dev/null"),
    ("WORKBENCH_RUNS", ("results",), "/dev/null", "/dev/null"),
    ("WORKBENCH_RUNS", _RUN, "@txt@", "other.txt"),
    ("WORKBENCH_CACHE", ("check", "@photos@"), "/dev/null", "/dev/null"),
    ("WORKBENCH_CACHE", ("check", "@photos@"), "@txt@", "other.txt"),
    ("WORKBENCH_CACHE", ("cache", "ls"), "@txt@", "other.txt"),
    ("WORKBENCH_DEVICE", _RUN, "gpu", "WORKBENCH_DEVICE"),
    ("WORKBENCH_WORKERS", _RUN, "many", "WORKBENCH_WORKERS"),
    ("WORKBENCH_WORKERS", _RUN, "-1", "WORKBENCH_WORKERS"),
    ("WORKBENCH_WORKERS", _RUN, "9" * 5000, "WORKBENCH_WORKERS"),
    ("WORKBENCH_MAX_UNREADABLE", _RUN, "nan", "WORKBENCH_MAX_UNREADABLE"),
    ("WORKBENCH_PRECISION", _RUN, "fp8", "WORKBENCH_PRECISION"),
    ("MLFLOW_TRACKING_URI", ("results",), "postgresql://ann:s3cr3t@localhost/x", "postgresql"),
    ("MLFLOW_TRACKING_URI", ("results",), "mssql://ann:s3cr3t@localhost/x", "mssql"),
    ("MLFLOW_TRACKING_URI", ("results",), "::::", "::::"),
    ("MLFLOW_TRACKING_URI", ("results",), "http://[", "http://["),
    ("MLFLOW_TRACKING_URI", ("results",), "databricks", "databricks"),
    ("MLFLOW_TRACKING_URI", ("results",), "s3://bucket", "s3"),
    ("MLFLOW_TRACKING_URI", ("results",), "sqlite:///@noise.png@", "noise.png"),
    ("MLFLOW_TRACKING_URI", ("results",), "sqlite:///@photos@", "photos"),
)


def _written() -> Iterator[Usage]:
    for number, (arguments, words) in enumerate(_TABLE):
        yield Usage(f"{number:03d} {_title(arguments)}", arguments, words)
        if arguments[0] in {"run", "check", "show", "predict", "compare", "search", "judge", "results", "list"}:
            yield Usage(f"{number:03d} json {_title(arguments)}", (*arguments, "--json"), words)
    for number, (key, arguments, value, words) in enumerate(_ENVIRONMENT):
        yield Usage(f"{key} {number:02d} {_title((value,))}", arguments, words, environment=((key, value),))


_VALUES = (
    "", " ", "²", "-1", "0", "9" * 400, "1e400", "nan", "a\0b", "\udcff", "\x1b[31mred", "[[[[", "~nobody", "..",
    "/dev/null", "/dev/zero", "@nothing@", "@txt@", "@pipe.csv@", "@endless.csv@", "@round.csv@", "@latin.toml@",
    "@deep.toml@", _LONG,
)  # fmt: skip
"""Nothing of this is right anywhere but for some that are right by chance, as 0 for a seed."""

_BASES: dict[str, tuple[str, ...]] = {
    "run": (*_RUN, "--quiet"),
    "results": ("results",),
    "list": ("list", "datasets"),
    "show": ("show", "dataset", "@photos@"),
    "check": ("check", "@photos@"),
    "predict": ("predict", "@linear-probe@", "@new@"),
    "search": ("search", "@photos@", "a cat", "--model", "@model@"),
    "judge": ("judge", "@photos@", "--model", "@model@"),
    "embed": ("embed", "@photos@", "--model", "@model@", "--to", "@nothing@/made.parquet"),
    "export": ("export", "@linear-probe@", "--to", "@nothing@/adapted"),
    "new recipe": ("new", "recipe", "some-probe", "--to", "@nothing@/new"),
    "cache ls": ("cache", "ls"),
    "cache prune": ("cache", "prune", "--all", "--dry-run"),
    "compare": ("compare", "@linear-probe@", "@zero-shot@"),
    "report": ("report", "tiny", "--to", "@nothing@/report"),
    "doctor": ("doctor",),
}
"""A right call of each command but `dashboard`, which does not come back."""


def _crossed() -> Iterator[Usage]:
    """Every option and argument of every command with wrong values."""
    import click

    from workbench.cli._group import cli

    for name, base in _BASES.items():
        command: click.Command = cli
        for part in name.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(cli), part)
            assert found is not None
            command = found
        words = len(name.split())
        place = words
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                for number, value in enumerate(_VALUES):
                    given = (*base[:place], value, *base[place + 1 :])
                    yield Usage(f"{name} {parameter.name} {number:02d}", given, codes=USUAL_EXITS)
                place += 1
            elif not getattr(parameter, "is_flag", False):
                for number, value in enumerate(_VALUES):
                    given = (*base, parameter.opts[-1], value)
                    yield Usage(f"{name} {parameter.opts[-1]} {number:02d}", given, codes=USUAL_EXITS)


def _title(arguments: tuple[str, ...]) -> str:
    text = " ".join(arguments).encode("unicode_escape").decode()
    return text if len(text) <= 90 else f"{text[:87]}..."
