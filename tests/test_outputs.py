"""Files that people ask for, on disks that are full, and in folders that may not be written."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from workbench.outputs import OutputError, check_room, output_file, system_error, write_output


def small_files(code, size=1000):
    """Run code in a process whose files may have so many bytes: what a full disk is to it."""
    limit = f"""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
    """
    script = textwrap.dedent(limit) + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def test_a_file_is_whole_or_as_it_was_and_follows_the_umask(tmp_path):
    path = tmp_path / "a" / "b" / "table.csv"
    before = os.umask(0o027)
    try:
        write_output(path, b"first")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ZeroDivisionError), output_file(path) as aside:
        aside.write_text("half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"first"
    assert [each.name for each in path.parent.iterdir()] == ["table.csv"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_output(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_no_space_is_said_with_the_size_and_what_was_there_stays(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    done = small_files(f"""
        from pathlib import Path
        from workbench.outputs import OutputError, write_output
        try:
            write_output(Path({str(path)!r}), b"x" * 2_000_000)
        except OutputError as error:
            print(error)
    """)
    assert f"{path}: no space left for 2.0 MB (File too large)" in done.stdout, done.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_is_written_and_not_replaced():
    with pytest.raises(OutputError, match=r"/dev/full: no space left for 0\.1 MB"):
        write_output(Path("/dev/full"), b"x" * 100_000)
    assert Path("/dev/full").is_char_device()


def test_a_file_where_a_folder_should_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"table.csv: cannot be written"):
        write_output(tmp_path / "file" / "table.csv", b"")
    with pytest.raises(OutputError, match=r"file is no folder, so features of 3 images cannot be kept there. Do this."):
        check_room(tmp_path / "file" / "cache", 1, "features of 3 images", "Do this.")


def test_room_is_looked_at_before_the_work(tmp_path):
    check_room(tmp_path / "not" / "there", 1000, "features", "Free some.")
    with pytest.raises(OutputError, match=r"features need 1000000000000.0 MB, and .* MB are left. Free some."):
        check_room(tmp_path / "not" / "there", 10**18, "features", "Free some.")
    assert not (tmp_path / "not").exists()


def test_what_safetensors_could_not_write_is_read(tmp_path):
    done = small_files(f"""
        import numpy as np
        from safetensors.numpy import save_file
        from workbench.outputs import system_error
        try:
            save_file({{"a": np.zeros(100_000)}}, {str(tmp_path / "weights")!r})
        except Exception as error:
            print(system_error(error).strerror)
    """)
    assert "File too large" in done.stdout, done.stderr
    assert system_error(ValueError("x")) is None
