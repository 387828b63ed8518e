"""A third party's kind of source, really installed by pip, whose format only it can decode."""

import json
from io import BytesIO

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dashboards.views.pictures import rows_by_id, thumbnail
from workbench.cli import main
from workbench.datasets import open_dataset


@pytest.fixture
def card(tmp_path):
    """Slices of 16 bits whose classes differ within the window alone, one of them no array."""
    rng = np.random.default_rng(0)
    lines = ["file_name,label,split"]
    for split, count in (("train", 6), ("val", 3), ("test", 5)):
        for label, level in (("bone", 1400), ("water", 1000)):
            for i in range(count):
                name = f"{split}-{label}-{i}.npy"
                np.save(tmp_path / name, rng.normal(level, 30, (20, 30)).astype(np.uint16))
                lines.append(f"{name},{label},{split}")
    (tmp_path / "train-bone-0.npy").write_bytes(b"no array")
    (tmp_path / "slices.csv").write_text("\n".join(lines), encoding="utf-8")
    path = tmp_path / "slices.toml"
    path.write_text(
        'name = "slices"\n[source]\ntype = "npy-stack"\npath = "slices.csv"\nwindow = [800, 1600]\n'
        '[columns]\nlabel = "label"\nsplit = "split"\n',
        encoding="utf-8",
    )
    return path


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    out = capsys.readouterr()
    return stopped.value.code or 0, out.out, out.err


def test_an_installed_source_is_checked_embedded_run_and_shown(installed, card, tmp_path, tiny_model, settings, capsys):
    code, out, _ = run(capsys, "list", "sources", "--json")
    assert {row["name"]: row["provider"] for row in json.loads(out)}["npy-stack"] == "nearest-prompt 0.3.0"

    code, out, _ = run(capsys, "check", card, "--json")
    checked = json.loads(out)
    assert code == 1
    assert checked["formats"] == {"NPY": 27}
    assert (checked["widths"], checked["heights"]) == ([30, 30, 30], [20, 20, 20])
    (bad,) = checked["unreadable"]
    assert bad["id"] == "train-bone-0.npy"
    assert "magic string" in bad["reason"] or "pickle" in bad["reason"]

    features = tmp_path / "features.parquet"
    code, out, err = run(capsys, "embed", card, "--model", tiny_model, "--to", features, "--device", "cpu")
    assert (code, "27 images" in out, "left out: train-bone-0.npy" in err) == (0, True, True)
    assert len(pq.read_table(features)) >= 27

    code, out, err = run(
        capsys, "run", "--model", tiny_model, "--dataset", card, "--recipe", "linear-probe", "--device", "cpu",
        "--max-unreadable", "0.2", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert {each["recipe"]: each["status"] for each in json.loads(out)}["linear-probe"] == "finished"

    dataset = open_dataset(str(card), settings)
    rows = rows_by_id(dataset)
    small = Image.open(BytesIO(thumbnail(dataset, rows["test-bone-0.npy"], 10)))
    assert small.size == (10, 7)
    assert np.asarray(small).mean() == pytest.approx((1400 - 800) / 800 * 255, abs=4)
    assert thumbnail(dataset, rows["train-bone-0.npy"]) is None
