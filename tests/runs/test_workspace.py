"""Where a run's files are written while the temporary folder is full."""

import pytest

from workbench.runs.workspace import WorkspaceError, run_folder


def full(*places):
    """Writes a file, but not below some folders."""

    def write(folder):
        (folder / "half").write_text("")
        if any(folder.is_relative_to(place) for place in places):
            raise OSError(28, "No space left on device")
        (folder / "whole").write_text("")

    return write


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_full_temporary_folder_is_no_loss(tmp_path, temporary):
    with run_folder(full(temporary), tmp_path / "runs") as folder:
        assert folder.parent == tmp_path / "runs"
        assert {path.name for path in folder.iterdir()} == {"half", "whole"}
    assert not folder.exists()
    assert list(temporary.iterdir()) == []


def test_two_full_places_are_one_sentence(tmp_path, temporary):
    both = run_folder(full(temporary, tmp_path / "runs"), tmp_path / "runs")
    with pytest.raises(WorkspaceError, match=r"temporary: no space left.*runs: no space left.*TMPDIR"), both:
        pass


def test_a_recipe_that_fails_to_write_is_no_full_disk(tmp_path, temporary):
    def write(_folder):
        raise FileNotFoundError(2, "No such file", "weights")

    with pytest.raises(FileNotFoundError), run_folder(write, tmp_path / "runs"):
        pass
    assert list(temporary.iterdir()) == []
