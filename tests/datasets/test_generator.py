"""Generated data is made once, whole or not at all, and checked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.datasets import open_card
from workbench.datasets.card_reading import parse_card
from workbench.datasets.generators import generators
from workbench.datasets.sources.generator import content_checksum
from workbench.errors import DataError

MODULE = '''
"""Draws coloured squares."""
from pathlib import Path
from PIL import Image

def squares(folder, count=4):
    with (Path(folder) / "metadata.csv").open("w") as table:
        table.write("file_name,label,group\\n")
        for i in range(count):
            colour = ("red", "blue")[i % 2]
            Image.new("RGB", (8, 8), (250 - i, 0, 0) if i % 2 == 0 else (0, 0, 250 - i)).save(Path(folder) / f"{i}.png")
            table.write(f"{i}.png,{colour},g{i}\\n")
    with open(Path(__file__).parent / "calls.txt", "a") as log:
        log.write("called\\n")

def exits(folder):
    raise SystemExit(3)

def fails(folder):
    (Path(folder) / "half.png").write_bytes(b"half")
    raise ValueError("no paint left")
'''


@pytest.fixture
def site(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    folder.mkdir()
    # A name of its own for each test, since modules stay imported.
    name = f"painter_{tmp_path.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(MODULE, encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    values = {"squares": f"{name}:squares", "fails": f"{name}:fails", "exits": f"{name}:exits"}
    values |= {"nothing": f"{name}:nothing", "elsewhere": "no_such_module_at_all:squares", "empty": ""}
    lines = "\n".join(f"{key} = {value}" for key, value in values.items())
    (info / "entry_points.txt").write_text(f"[workbench.generators]\n{lines}\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(generators.__dict__, "_points", raising=False)  # What was found before is remembered.
    yield folder, name
    generators.__dict__.pop("_points", None)


def card(call: str, more: str = ""):
    return parse_card(f'name = "squares"\n[source]\ntype = "generator"\ncall = "{call}"\n{more}', "squares.toml")


def calls(site) -> int:
    log = site[0] / "calls.txt"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_generated_once_and_read_as_a_folder(site, settings):
    made = card("squares", "options = {count = 20}")
    first = open_card(made, None, settings)
    assert (len(first), first.class_names) == (20, ("blue", "red"))
    assert open_card(made, None, settings).fingerprint == first.fingerprint
    assert calls(site) == 1
    assert len(open_card(card("squares", "options = {count = 30}"), None, settings)) == 30
    open_card(card("squares", "options = {count = 20}\nversion = 2"), None, settings)
    assert calls(site) == 3


def test_the_checksum_is_verified(site, settings):
    with pytest.raises(DataError, match=r"have checksum ([0-9a-f]{64}), the card says 0{64}") as caught:
        open_card(card("squares", f'sha256 = "{"0" * 64}"'), None, settings)
    right = str(caught.value).split("have checksum ")[1][:64]
    assert list((settings.cache / "generated").glob("*/*.png")) == []
    open_card(card("squares", f'sha256 = "{right}"'), None, settings)
    (folder,) = (path for path in (settings.cache / "generated").iterdir() if path.is_dir())
    assert content_checksum(folder) == right


@pytest.mark.parametrize("damage", ["replaced", "gone", "more", "table"])
def test_files_that_were_changed_are_said_and_made_anew(site, settings, damage, caplog):
    made = card("squares", "options = {count = 20}")
    before = open_card(made, None, settings).fingerprint
    (folder,) = (path for path in (settings.cache / "generated").iterdir() if path.is_dir())
    if damage == "replaced":
        (folder / "0.png").write_bytes((folder / "1.png").read_bytes())
    elif damage == "gone":
        (folder / "0.png").unlink()
    elif damage == "more":
        (folder / "x.png").write_bytes(b"x")
    else:
        (folder / "metadata.csv").write_text((folder / "metadata.csv").read_text().replace("red", "RED"))
    assert open_card(made, None, settings).fingerprint == before
    assert "is damaged; it was moved aside" in caplog.text
    assert calls(site) == 2


def test_a_copied_cache_is_no_damage(site, settings):
    made = card("squares", "options = {count = 20}")
    before = open_card(made, None, settings).fingerprint
    copied = settings.model_copy(update={"cache": settings.cache.with_name("copied")})
    shutil.copytree(settings.cache, copied.cache, copy_function=shutil.copy)  # With other times.
    assert open_card(made, None, copied).fingerprint == before
    assert calls(site) == 1


def test_the_checksum_sees_names_and_contents(tmp_path):
    def of(files: dict[str, bytes]) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return content_checksum(folder)

    base = of({"a": b"1", "d/b": b"2"})
    assert base == of({"d/b": b"2", "a": b"1", ".hidden": b"x"})
    assert len({base, of({"a": b"2", "d/b": b"1"}), of({"a": b"1", "b": b"2"}), of({"a": b"1"})}) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("fails", r"'squares'.*failed \(ValueError: no paint left\)"),
        ("exits", r"'squares'.*failed \(SystemExit: 3\)"),
        ("nothing", "cannot be loaded.*nothing"),
        ("elsewhere", r"cannot be loaded.*quickstart"),
        ("empty", r"cannot be loaded.*entry point says ''"),
        ("square", "No generator is called 'square'. Did you mean 'squares'"),
        ("subprocess:run", "a card cannot say which code is run.*workbench.generators"),
        ("benchmarks.robotics.tabletop:generate", "write its name in the card: call = 'tabletop'"),
    ],
)
def test_a_failing_generator_leaves_nothing(site, settings, call, message):
    with pytest.raises(DataError, match=message):
        open_card(card(call), None, settings)
    assert [path for path in (settings.cache / "generated").iterdir() if not path.name.endswith(".lock")] == []


def test_processes_at_once_generate_once(site, settings, tmp_path):
    script = (
        "import sys; from pathlib import Path\n"
        "from workbench.datasets import open_dataset\nfrom workbench.settings import Settings\n"
        "print(open_dataset(sys.argv[1], Settings(cache=Path(sys.argv[2]))).fingerprint)\n"
    )
    (tmp_path / "squares.toml").write_text(
        'name = "squares"\n[source]\ntype = "generator"\ncall = "squares"\noptions = {count = 40}\n',
        "utf-8",
    )
    command = [sys.executable, "-c", script, str(tmp_path / "squares.toml"), str(settings.cache)]
    environment = {"PYTHONPATH": str(site[0]), "PATH": str(Path(sys.executable).parent)}
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    answers = {process.communicate(timeout=60)[0] for process in processes}
    assert len(answers) == 1
    assert len(answers.pop().strip()) == 64
    assert calls(site) == 1
