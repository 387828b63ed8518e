"""`workbench fetch` brings what a suite names, and lists it."""

import json
from pathlib import Path

from click.testing import CliRunner

from workbench.cli import cli


def test_models_and_datasets_are_listed_with_their_places(make_colours, tiny_model, tmp_path):
    folder = make_colours(train=2, val=1, test=2)
    arguments = ["fetch", "--model", tiny_model, "--dataset", str(folder), "--json"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    model, dataset = json.loads(done.stdout[done.stdout.index("[") :])
    place = tiny_model.removeprefix("local-dir:")
    assert model["paths"] == [place]
    assert model["bytes"] == sum(path.stat().st_size for path in Path(place).iterdir())
    assert dataset == {
        "kind": "dataset", "argument": str(folder), "paths": [str(folder)],
        "bytes": sum(path.stat().st_size for path in folder.rglob("*.png")),
    }  # fmt: skip
    assert "HF_HUB_OFFLINE=1" in CliRunner().invoke(cli, arguments[:-1]).stdout


def test_what_is_missing_is_said_before_anything_is_read(make_colours, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    done = CliRunner().invoke(cli, ["fetch", "--model", "hf-hub:org/none", "--dataset", str(make_colours())])
    assert "the hub cannot be reached" in str(done.exception or done.output)
    assert CliRunner().invoke(cli, ["fetch"]).exit_code != 0
