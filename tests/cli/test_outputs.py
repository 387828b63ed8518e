"""Files that commands write: refused before the work where they cannot be written, their folders made after it."""

import pytest

from workbench.cli import main
from workbench.cli._outputs import check_output_file, check_output_folder, write_text
from workbench.errors import WorkbenchError


@pytest.mark.parametrize(
    "command",
    [
        ["search", "no-such-set", "red", "--model", "no-such-model", "--html"],
        ["predict", "no-such-run", "no-such-folder", "--output"],
        ["embed", "no-such-set", "--model", "no-such-model", "--to"],
        ["report", "no-such-suite", "--to"],
        ["new", "recipe", "my-probe", "--to"],
    ],
)
def test_what_cannot_be_written_is_said_before_anything_else(command, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as stopped:
        main([*command, str(tmp_path / "file" / "out")])
    err = capsys.readouterr().err
    assert stopped.value.code == 2
    assert f"{command[-1]} {tmp_path / 'file' / 'out'}: " in err
    assert "is no folder" in err


def test_a_folder_is_no_file_and_a_missing_folder_is_no_fault(tmp_path):
    with pytest.raises(WorkbenchError, match="is a folder; name the file"):
        check_output_file("--html", tmp_path)
    check_output_file("--html", None)
    check_output_file("--html", tmp_path / "a" / "b" / "page.html")
    check_output_folder("--to", tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    write_text(tmp_path / "a" / "b" / "page.html", "é\r\n")
    assert (tmp_path / "a" / "b" / "page.html").read_bytes() == "é\r\n".encode()
