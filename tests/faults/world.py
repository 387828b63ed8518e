"""A folder with everything that commands are called with: what is right, and what is odd."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.verdicts import call

COLOURS = {"red": (200, 40, 40), "green": (40, 180, 40), "blue": (40, 60, 200)}
DEEP = 10_000


@dataclass(frozen=True)
class World:
    """Places by name; `fill` puts them into arguments.

    Attributes:
        folder: The folder that holds them all, and in which commands are run.
        places: Name to path, or to a run's id.
        environment: Variables that keep everything inside the folder.
    """

    folder: Path
    places: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """The text with `@name@` replaced by the place of that name."""
        for name, place in self.places.items():
            text = text.replace(f"@{name}@", place)
        return text


def build_world(folder: Path, *, runs: bool = True) -> World:
    """Fill an empty folder.

    Args:
        folder: Exists.
        runs: Also train two recipes on twelve pictures, so that there are finished runs (some seconds).
    """
    world = World(
        folder,
        environment={
            "WORKBENCH_CACHE": str(folder / "cache"), "WORKBENCH_RUNS": str(folder / "runs"), "WORKBENCH_DATA": "",
            "MLFLOW_TRACKING_URI": "", "WORKBENCH_DEVICE": "cpu", "WORKBENCH_PRECISION": "fp32", "HF_HUB_OFFLINE": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true", "WORKBENCH_WORKERS": "1",
        },
    )  # fmt: skip
    pictures(folder / "photos")
    pictures(folder / "new", classes=False)
    card = '[source]\ntype = "folder"\npath = "photos"\n[columns]\nlabel = "label"\n'
    _write(folder / "good.toml", f'name = "good"\n{card}')
    _write(folder / "other.txt", "hello\n")
    model = tiny_model(folder / "model")
    suite = f'name = "tiny"\nmodels = ["{model}"]\ndatasets = ["photos"]\n[[recipes]]\nrecipe = "zero-shot"\n'
    _write(folder / "suite.toml", suite)
    world.places.update(photos="photos", new="new", card="good.toml", suite="suite.toml", model=model, txt="other.txt")
    _odd_files(world)
    if runs:
        _finished_runs(world)
    return world


def pictures(folder: Path, *, classes: bool = True, each: int = 4) -> None:
    """Small coloured pictures, in a folder for each class or all in one."""
    from PIL import Image

    for name, (red, green, blue) in COLOURS.items():
        place = folder / name if classes else folder
        place.mkdir(parents=True, exist_ok=True)
        for i in range(each):
            Image.new("RGB", (16, 16), (red - 3 * i, green + 5 * i, blue)).save(place / f"{name}-{i}.png")


def tiny_model(folder: Path) -> str:
    """A model argument: a small open_clip network with random weights."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1},
    }
    torch.manual_seed(0)
    weights = open_clip.CLIP(**config).state_dict()
    save_file({key: value.contiguous() for key, value in weights.items()}, folder / "open_clip_model.safetensors")
    about = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "size": 16}}
    _write(folder / "open_clip_config.json", json.dumps(about))
    return f"local-dir:{folder}"


def _finished_runs(world: World) -> None:
    arguments = ["run", "suite.toml", "--recipe", "zero-shot", "--recipe", "linear-probe", "--json", "--quiet"]
    called = call(arguments, world.folder, environment=world.environment, seconds=120)
    assert called.code == 0, called.err or called.escaped
    for run in json.loads(called.out):
        world.places[run["recipe"]] = run["run_id"]


def _odd_files(world: World) -> None:
    """Pipes, devices, loops, folders where files are meant, files that are no text, and files without end."""
    folder = world.folder / "odd"
    folder.mkdir()
    deep = "[" * DEEP + "]" * DEEP
    texts: dict[str, str | bytes] = {
        "empty.toml": "",
        "latin.toml": 'name = "caf\xe9"\n'.encode("latin-1"),
        "nul.toml": b'name = "a"\n\0\0',
        "deep.toml": f"name = {deep}\n",
        "keys.toml": "a." * DEEP + 'b = "x"\n',
        "digits.toml": f"version = {'9' * DEEP}\n",
        "number.toml": "name = 3\nmodels = 4\n",
        "list.toml": "[[name]]\n[[models]]\n",
        "bom.toml": "\ufeffname = 'a'\n",
        "deep.jsonl": deep + "\n",
        "latin.csv": "file_name,label\ncaf\xe9.png,a\n".encode("latin-1"),
        "empty.png": b"",
        "noise.png": bytes(range(256)) * 4,
        "noise.parquet": b"PAR1" + bytes(64) + b"PAR1",
    }
    for name, content in texts.items():
        _write(folder / name, content)
    for kind in ("png", "toml", "csv", "parquet", "tar"):
        (folder / f"folder.{kind}").mkdir()
        os.mkfifo(folder / f"pipe.{kind}")
        (folder / f"endless.{kind}").symlink_to("/dev/zero")
        (folder / f"round.{kind}").symlink_to(f"round.{kind}")
    (folder / "nothing").mkdir()
    for kind in ("pipe", "endless"):
        pictures(folder / f"{kind}-photos", each=2)
        (folder / f"{kind}-photos" / "red" / "odd.png").symlink_to(folder / f"{kind}.png")
        (folder / f"{kind}-table").mkdir()
        (folder / f"{kind}-table" / "metadata.csv").symlink_to(folder / f"{kind}.csv")
    loops = folder / "loops"
    pictures(loops, each=2)
    for name in ("one", "two", "three"):
        (loops / "red" / name).symlink_to(loops, target_is_directory=True)
    world.places.update({path.name: f"odd/{path.name}" for path in folder.iterdir()})


def _write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
