"""What docs/robotics.md says works: its program and its commands, on a few small scenes and a tiny model."""

import contextlib
import json
import shlex

import numpy as np
import pytest
from PIL import Image

from tests.test_readme import blocks, commands
from workbench.cli import main

pytest.importorskip("embreex")
PAGE = "docs/robotics.md"
CARD = """
name = "tabletop-grounding"
task = "grounding"
source = { type = "folder", path = "tabletop" }
columns = { group = "group", split = "split", boxes = "objects", instruction = "instructions" }
"""


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with scenes, their card, a frame and what a detector says of it."""
    from benchmarks.robotics.tabletop import generate

    (tmp_path / "tabletop").mkdir()
    generate(tmp_path / "tabletop", size=64, scenes=8, views=1)
    (tmp_path / "tabletop-grounding.toml").write_text(CARD, encoding="utf-8")
    rows = [json.loads(line) for line in (tmp_path / "tabletop" / "metadata.jsonl").read_text("utf-8").splitlines()]
    row = next(row for row in rows if len(row["objects"]) >= 3)
    picture = Image.open(tmp_path / "tabletop" / row["file_name"]).resize((192, 192))
    (tmp_path / "frames").mkdir()
    for place in ("desk.png", "frames/desk.png"):
        picture.save(tmp_path / place)
    boxes = [[3 * value for value in thing["box"]] for thing in row["objects"]]
    detections = [
        {"image_id": "desk", "category_id": 1, "bbox": [a, b, c - a, d - b], "score": 0.9 - 0.7 * (i > 1)}
        for i, (a, b, c, d) in enumerate(boxes)
    ]
    (tmp_path / "detections.json").write_text(json.dumps(detections), encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_PRECISION", "fp32")
    monkeypatch.setenv("WORKBENCH_DEVICE", "cpu")
    return tmp_path


@pytest.mark.slow
def test_the_worked_example_works(desk, tiny_model, capsys):
    (program,) = blocks(PAGE, "python")
    program = program.replace("offline-lite", tiny_model)
    program = program.replace('"tabletop-grounding"', '"tabletop-grounding.toml"')
    with contextlib.chdir(desk):
        names = {}
        exec(program, names)
        said = capsys.readouterr().out
        assert "accuracy/kind" in said
        answer, run = names["answer"], names["run"]
        assert answer["text"] == "bring me the blue box on the desk"
        assert list(answer["place"]) == names["boxes"][answer["box"]]
        predicts = [words for words in commands(PAGE) if words[:2] == ["workbench", "predict"]]
        assert len(predicts) == 2
        for words in predicts:
            given = [run.result.run_id if word == "RUN" else word for word in words[1:]]
            with pytest.raises(SystemExit) as ended:
                main([*given, "--json"])
            out = capsys.readouterr()
            assert ended.value.code == 0, (shlex.join(words), out.err)
            (row,) = json.loads(out.out)
            assert row["file"] == "desk.png"
            if "--boxes" in words:
                assert len(row["probabilities"]) == 2  # Others are scored too low by the detector.
        assert np.load(desk / "maps" / "desk.png" / "1.npy").shape == (192, 192)
