"""What the READMEs tell people to type works: every command is run, or checked, and both languages say the same."""

import ast
import contextlib
import csv
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import click
import pytest
from PIL import Image

from tests.faults.verdicts import call
from tests.faults.world import World, pictures, tiny_model
from workbench.cli._group import _COMMANDS, cli
from workbench.testing import planted_task

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.ja.md")
DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))

# What stands for what a README names: a model or a data set that is small and needs no download.
STANDS_FOR = {
    "ViT-B-32/laion2b_s34b_b79k": "MODEL",
    "ViT-B-16-quickgelu/openai": "MODEL",
    "ViT-L-14-336-quickgelu/openai": "MODEL",
    "xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k": "MODEL",
    "offline-lite": "MODEL",
    "offline-lite-multilingual": "MODEL",
    "oxford-flowers102": "flowers/",
    "leaf-morphology": "leaf-morphology.toml",
    "tabletop": "tabletop.toml",
    "mri-planes": "mri-planes.toml",
    "leaf-morphology-captions": "leaf-morphology-captions.toml",
    "tabletop-captions": "tabletop-captions.toml",
}
CAPTIONS = """
name = "{name}"
task = "retrieval"
source = {{ type = "folder", path = "ferns" }}
columns = {{ caption = "caption" }}
languages.ja.columns = {{ caption = "caption_ja" }}
"""
SUITE = """
name = "few-shot"
models = ["{model}"]
datasets = ["photos", "flowers"]
shots = [1, 2]
figures = false
recipes = [{{ recipe = "zero-shot" }}, {{ recipe = "nearest-class-mean" }}, {{ recipe = "knn" }}]
"""


def blocks(name, kind=None):
    """Code of a document: that of fences of one kind, or, without a kind, that which is indented."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if kind:
        return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    # A list's second line is indented, too; a block has an empty line before it.
    return [found.replace("\n    ", "\n").strip() for found in re.findall(r"(?<=\n\n)((?:    .*\n)+)", text)]


def commands(name):
    """Each command of a document's shell blocks, in order, as words; those joined by `&&` are several."""
    found = []
    for block in [*blocks(name), *blocks(name, "(?:sh|shell|bash|console)")]:
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while "&&" in words:
                found.append(words[: words.index("&&")])
                words = words[words.index("&&") + 1 :]
            found.append(words)
    return [words for words in found if words]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    model = tiny_model(folder / "model")
    environment = {
        "WORKBENCH_CACHE": str(folder / "cache"), "WORKBENCH_DATA": "", "MLFLOW_TRACKING_URI": "",
        "WORKBENCH_DEVICE": "cpu", "WORKBENCH_PRECISION": "fp32", "HF_HUB_OFFLINE": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip
    return World(folder, {"MODEL": model}, environment)


def fill(folder: Path, model: str) -> None:
    """What somebody has who follows the README: photos, generated images, a card, and what another tool says."""
    for name in ("photos", "flowers"):
        pictures(folder / name, each=24)
    for name in ("new-photos", "generated"):
        pictures(folder / name, classes=False, each=2)
    for path in (folder / "new-photos").iterdir():  # New ones, and no copies of those that have a label.
        with Image.open(path) as picture:
            changed = picture.convert("RGB")
        changed.putpixel((0, 0), (0, 0, 0))
        changed.save(path)
    table(folder / "generated", {"prompt": lambda path: f"a picture of {path.stem}"})
    (folder / "species.csv").write_text(
        "name,common_name\nBellis perennis,daisy\nRosa canina,dog rose\n", encoding="utf-8"
    )
    pictures(folder / "ferns", classes=False, each=10)
    japanese = {"red": "赤", "green": "緑", "blue": "青"}
    columns = {
        "label": lambda path: "af" if path.stem.startswith("red") else "df",
        "caption": lambda path: f"a fern, {path.stem}",
        "caption_ja": lambda path: f"シダ、{japanese[path.stem.partition('-')[0]]}",
    }
    table(folder / "ferns", columns)
    (card,) = blocks("README.md", "toml")
    for name in ("leaf-morphology", "tabletop", "mri-planes"):
        (folder / f"{name}.toml").write_text(card.replace("my-ferns", name), encoding="utf-8")
    for name in ("leaf-morphology-captions", "tabletop-captions"):
        (folder / f"{name}.toml").write_text(CAPTIONS.format(name=name), encoding="utf-8")
    (folder / "few-shot.toml").write_text(SUITE.format(model=model), encoding="utf-8")


def table(folder: Path, columns) -> None:
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", *columns])
        for path in sorted(folder.glob("*.png")):
            writer.writerow([path.name, *(make(path) for make in columns.values())])


class Reader:
    """Somebody who types what a README says, in a folder of their own.

    Attributes:
        seen: First words of what was typed.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.folder, self.model, self.seen = folder, world.places["MODEL"], []
        self.environment = {**world.environment, "WORKBENCH_RUNS": str(folder / "runs"), "PYTHONPATH": ""}
        fill(folder, self.model)

    def type(self, words: list[str]) -> None:
        """Run a command, or check it; an unknown one fails."""
        self.seen.append(words[0])
        match words:
            case ["workbench", "dashboard"]:
                self.opens_dashboard()
            case ["workbench", *arguments]:
                self.run(arguments)
            case ["pip", "install", *wanted]:
                self.install(wanted)
            case ["pytest", package]:
                tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", package]
                subprocess.run(tests, cwd=self.folder, env={**os.environ, **self.environment}, check=True)
            case ["nox", "-s", session] | ["pipx", "run", "--spec", "nox[uv]", "nox", "-s", session]:
                assert session in sessions()
            case ["uvx", "--from", "nox[uv]", "nox", "-s", session]:
                assert session in sessions()
            case ["python3", "-m", "venv", ".venv"] | [".", ".venv/bin/activate"]:
                pass
            case _:
                pytest.fail(f"nobody knows how to check: {shlex.join(words)}")

    def install(self, wanted: list[str]) -> None:
        """Only what somebody has made is installed here; of the rest the extras and names are looked up."""
        if wanted == ["-e", "my-probe"]:
            # Into a folder, as the environment of the tests belongs to all of them.
            site = self.folder / "site"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
            subprocess.run([*command, "--target", site, "./my-probe"], cwd=self.folder, check=True)
            self.environment["PYTHONPATH"] = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", str(ROOT))])
            return
        for each in wanted:
            name, _, extras = each.rstrip("]").partition("[")
            assert name in {".", "nox", "pytest"}, each
            if name == ".":
                assert set(extras.split(",")) <= {"", *project()["optional-dependencies"]}, each

    def run(self, arguments: list[str]) -> None:
        """Run a command of the workbench; `> FILE` at its end writes its output."""
        arguments, target = (arguments[:-2], arguments[-1]) if arguments[-2:-1] == [">"] else (arguments, None)
        given = list(arguments)
        finished = iter(self.finished() if "RUN" in given else [])
        given = [next(finished) if word == "RUN" else self.stand_in(word) for word in given]
        if given[:2] == ["run", "few-shot"]:
            given[1] = "few-shot.toml"
        if self.environment["PYTHONPATH"]:
            command = [sys.executable, "-c", "from workbench.cli import main; main()", *given]
            environment = {**os.environ, **self.environment}
            subprocess.run(command, cwd=self.folder, env=environment, check=True, capture_output=True)
            return
        called = call(given, self.folder, environment=self.environment, seconds=120)
        assert called.code == 0, (given, called.err[-2000:], called.escaped)
        if target:
            (self.folder / target).write_text(called.out, encoding="utf-8")
        if "--to" in given or "--html" in given:
            assert any((self.folder / word).exists() for word in given if word in {"report/", "found.html", "model/"})

    def stand_in(self, word: str) -> str:
        """What is given in place of a word."""
        found = STANDS_FOR.get(word, word)
        return self.model if found == "MODEL" else found

    def finished(self) -> list[str]:
        """Ids of runs whose recipe can be applied, on the same data."""
        called = call(["results", "--recipe", "linear-probe", "--json"], self.folder, environment=self.environment)
        runs = [run for run in json.loads(called.out) if run["dataset"] == "photos" and run["shots"] == "4"]
        return [run["run_id"] for run in runs]

    def opens_dashboard(self) -> None:
        """Start it, wait until it answers, and end it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-c", "from workbench.cli import main; main()", "dashboard", "--port", str(port)]
        environment = {**os.environ, **self.environment, "STREAMLIT_SERVER_HEADLESS": "true"}
        environment["PYTHONPATH"] = os.environ.get("PYTHONPATH", str(ROOT))
        process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            for _ in range(300):
                assert process.poll() is None
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                    return
                time.sleep(0.1)
            pytest.fail("the dashboard does not answer")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def sessions():
    """Names of the sessions in the noxfile, which is read and not run."""
    found = set()
    for node in ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8")).body:
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
            named = [key.value.value for key in getattr(mark, "keywords", []) if key.arg == "name"]
            found |= {*named} if named else {node.name}
    return found


@pytest.mark.slow
def test_every_command_works_and_so_does_the_python(world, tmp_path, monkeypatch):
    reader = Reader(world, tmp_path)
    for words in commands("README.md"):
        reader.type(words)
    assert {"workbench", "pip", "nox", "pytest"} <= set(reader.seen)
    with contextlib.chdir(tmp_path):
        for key, value in reader.environment.items():
            monkeypatch.setenv(key, value)
        recipe, program = blocks("README.md", "python")
        names = {}
        exec(recipe, names)
        task, test = planted_task()
        assert names["NearestPrompt"](names["RecipeConfig"]()).fit(task).scores(test.images).shape == (
            len(test.images),
            5,
        )
        exec(program.replace("offline-lite", world.places["MODEL"]), names)
        assert set(names["frame"]["status"]) == {"finished"}


def test_both_languages_say_the_same():
    english, japanese = READMES
    assert commands(japanese) == commands(english)
    for kind in ("python", "toml"):
        assert blocks(japanese, kind) == blocks(english, kind)
    headings = [re.findall(r"^#+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE) for name in READMES]
    assert headings[0] == headings[1]
    links = [set(re.findall(r"\]\(((?:docs/|CONTRIB)[^)#]+)", (ROOT / name).read_text("utf-8"))) for name in READMES]
    assert links[0] == links[1]


@pytest.mark.parametrize("name", [*READMES, *DOCS])
def test_links_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8")):
        if "://" not in target:
            assert (ROOT / name).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("name", DOCS)
def test_commands_of_the_documents_have_the_options_that_they_are_given(name):
    """They are not run: some take hours, and some are only outlined, as in `[--json]`."""
    for words in commands(name):
        if words[0] != "workbench":
            continue
        own, arguments = words[1], " ".join(words[2:]).replace("[", " ").replace("]", " ").split()
        assert own in _COMMANDS, words
        command = cli.get_command(click.Context(cli), own)
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), arguments[0])
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= known, words


def test_extras_that_the_documents_name_exist():
    for name in (*READMES, *DOCS):
        for extra in re.findall(r"clip-workbench\[([\w,]+)\]|\"\.\[([\w,]+)\]\"", (ROOT / name).read_text("utf-8")):
            assert set("".join(extra).split(",")) <= set(project()["optional-dependencies"]), name
