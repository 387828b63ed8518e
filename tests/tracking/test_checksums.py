"""An artifact that is not what was recorded is refused by name."""

import subprocess
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.tracking.checksums import CHECKSUMS, check_artifact, write_checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "predictor").mkdir()
    (tmp_path / "predictor" / "weights").write_bytes(b"weights")
    (tmp_path / "predictor" / "two  spaces").write_bytes(b"x")
    (tmp_path / "predictions.parquet").write_bytes(b"predictions")
    write_checksums(tmp_path)
    return tmp_path


def check(folder: Path, name: str) -> None:
    check_artifact(folder / name, name, folder / CHECKSUMS)


def test_what_is_as_recorded_passes_and_common_tools_agree(folder: Path) -> None:
    check(folder, "predictor")
    check(folder, "predictions.parquet")
    subprocess.run(["sha256sum", "--check", "--quiet", CHECKSUMS], cwd=folder, check=True)


@pytest.mark.parametrize("damage", ["flip", "gone", "more", "list"])
def test_damage_is_named(folder: Path, damage: str) -> None:
    weights = folder / "predictor" / "weights"
    if damage == "flip":
        weights.write_bytes(b"weighus")
    elif damage == "gone":
        weights.unlink()
    elif damage == "more":
        (folder / "predictor" / "another").touch()
    else:
        listed = (folder / CHECKSUMS).read_text()
        (folder / CHECKSUMS).write_text(listed.replace("predictor/weights", "predictor/weightz"))
    with pytest.raises(WorkbenchError, match=r"predictor.*is damaged.*--fresh"):
        check(folder, "predictor")
    check(folder, "predictions.parquet")


def test_runs_of_earlier_versions_have_no_list(folder: Path) -> None:
    (folder / CHECKSUMS).unlink()
    check(folder, "predictor")
