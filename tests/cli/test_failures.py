"""Whatever goes wrong: one sentence, an exit code, valid JSON, no traceback and no password."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from workbench.cli import main
from workbench.cli._failures import guarded
from workbench.errors import WorkbenchError


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (WorkbenchError("no such run."), 2, "workbench: no such run."),
        (click.UsageError("No such option: --x"), 2, "No such option: --x"),
        (OSError(28, "No space left on device", "/cache/x"), 2, "workbench: /cache/x: no space left (No space"),
        (KeyboardInterrupt(), 130, "workbench: interrupted."),
        (WorkbenchError("https://ann:s3cret@host fails"), 2, "https://ann:***@host fails"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["plain", "json"])
def test_an_error_is_a_sentence_and_json_where_asked_for(error, code, words, arguments, capsys):
    assert guarded(raising(error), arguments) == code
    out, err = capsys.readouterr()
    assert words in err
    assert "Traceback" not in err
    assert "s3cret" not in out + err
    if arguments:
        assert set(json.loads(out)) == {"error"}
    else:
        assert out == ""


def test_the_last_resort_names_a_file_with_the_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert guarded(raising(ZeroDivisionError("https://ann:s3cret@host")), ["run", "x"]) == 1
    err = capsys.readouterr().err
    (report,) = tmp_path.iterdir()
    assert str(report) in err
    text = report.read_text()
    assert "ZeroDivisionError" in text
    assert "workbench run x" in text
    assert "s3cret" not in text + err


def test_a_command_that_ends_well_exits_with_0():
    assert guarded(lambda: None, []) == 0


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["--version"], 0), (["nonsense"], 2), (["results", "--suite"], 2)]
)
def test_exit_codes_of_the_real_command(arguments, code):
    command = [sys.executable, "-c", "from workbench.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [["list", "recipes"], ["list", "datasets", "--json"], ["results", "--json"]])
def test_a_full_standard_output_is_said(arguments):
    command = [sys.executable, "-c", "from workbench.cli import main; main()", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("workbench: standard output: no space left (No space left on device)")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["list", "recipes"], ["list", "recipes", "--json"]])
def test_a_closed_standard_output_is_no_traceback(arguments):
    code = "import os; os.close(1)\nimport sys; sys.stdout = None\nfrom workbench.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=False, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wrong_argument_shows_no_password(capsys):
    with pytest.raises(SystemExit):
        main(["list", "recipes", "http://ann:s3cretive@host/"])
    out, err = capsys.readouterr()
    assert "http://ann:***@host/" in err
    assert "s3cretive" not in out + err


def test_a_reader_that_goes_away_is_no_traceback():
    command = f"{sys.executable} -c 'from workbench.cli import main; main()' list datasets | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.stderr == ""
