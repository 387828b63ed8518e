"""The command line as a user meets it: exit codes, one clear sentence, light start, JSON."""

import csv
import io
import json
import subprocess
import sys

import pytest

from workbench.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    out = capsys.readouterr()
    return stopped.value.code or 0, out.out, out.err


@pytest.mark.parametrize("arguments", [["--help"], ["list", "recipes"], ["list", "datasets"], ["run", "--help"]])
def test_help_and_lists_import_nothing_heavy(arguments):
    script = (
        "import sys\nfrom workbench.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'open_clip', 'mlflow', 'datasets', 'sklearn', 'matplotlib', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_every_command_has_help_with_an_example(capsys):
    _, out, _ = run(capsys, "--help")
    commands = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line.strip()]
    assert {
        "run",
        "results",
        "list",
        "show",
        "check",
        "predict",
        "embed",
        "export",
        "new",
        "cache",
        "compare",
        "dashboard",
        "doctor",
    } <= {*commands}
    for name in commands:
        if name in {
            "run",
            "results",
            "list",
            "show",
            "check",
            "predict",
            "embed",
            "export",
            "new",
            "cache",
            "compare",
            "dashboard",
            "doctor",
        }:
            code, out, _ = run(capsys, name, "--help")
            assert code == 0
            assert "Example:" in out, name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "quickstrat"], "Did you mean 'quickstart'"),
        (["run", "--model", "offline-lite"], "missing: --dataset, --recipe"),
        (["run", "quickstart", "--set", "lora.rank"], "RECIPE.KEY=VALUE"),
        (["run", "quickstart", "--set", "lorra.rank=2"], "Did you mean 'lora'"),
        (["run", "quickstart", "--shots", "-3"], "--shots -3"),
        (["show", "recipe", "lorra"], "Did you mean 'lora'"),
        (["show", "run", "abc"], "No run 'abc'"),
        (["rum"], "Did you mean 'run'"),
        (["list", "datasets", "--field", "botanyy"], "--field botanyy: no dataset is of this field. Did you mean"),
        (["cache", "prune"], "--older-than"),
        (["doctor", "--device", "gpu"], "--device"),
    ],
)
def test_wrong_usage_exits_2_with_one_sentence(capsys, arguments, message):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_dry_run_prints_the_plan_and_makes_nothing(capsys, tmp_path):
    code, out, _ = run(capsys, "run", "quickstart", "--dry-run", "--measure", "0", "--set", "lora.rank=2", "--json")
    assert code == 0
    assert len(json.loads(out)["runs"]) == 15
    assert json.loads(out)["forecast"] is None
    assert not (tmp_path / "runs").exists()


def test_dry_run_forecasts_what_can_be_opened(capsys, tmp_path, tiny_model, make_colours):
    base = ["run", "--model", tiny_model, "--recipe", "zero-shot", "--dry-run", "--measure", "5"]
    code, out, _ = run(capsys, *base, "--dataset", str(make_colours()))
    assert code == 0
    assert "2 runs\n\nForecast, from" in out
    assert "24 of 24" not in out  # Some were computed to measure.
    code, out, _ = run(capsys, *base, "--dataset", str(tmp_path / "nowhere"), "--json")
    assert code == 0
    assert len(json.loads(out)["runs"]) == 2
    assert "nowhere" in json.loads(out)["reason"]
    code, _, err = run(capsys, "run", "quickstart", "--measure", "5")
    assert code == 2
    assert "--measure goes with --dry-run" in err


def test_from_run_to_prediction(capsys, tmp_path, tiny_model, make_colours):
    folder = make_colours()
    base = ["--model", tiny_model, "--dataset", str(folder), "--precision", "fp32"]
    code, out, err = run(capsys, "run", *base, "--recipe", "linear-probe", "--json")
    assert code == 0, err
    runs = {row["recipe"]: row for row in json.loads(out)}
    expected = {"run_id", "suite", "model", "dataset", "field", "task", "recipe", "shots", "seed", "status", "metrics"}
    assert expected | {"params", "tags"} <= runs["linear-probe"].keys()
    run_id = runs["linear-probe"]["run_id"]

    code, out, _ = run(capsys, "results", "--json")
    assert {row["run_id"] for row in json.loads(out)} == {row["run_id"] for row in runs.values()}
    code, out, _ = run(capsys, "results", "--format", "csv")
    assert len(list(csv.reader(io.StringIO(out)))) == 3

    (folder / "test" / "broken é.png").write_bytes(b"")
    code, out, err = run(capsys, "predict", run_id[:8], str(folder / "test"), "--json")
    rows = json.loads(out)
    assert code == 0
    assert len(rows) == 25
    read = [row for row in rows if row["error"] is None]
    assert sum(row["file"].startswith(row["classes"][0]) for row in read) / len(read) > 0.9
    assert [row["file"] for row in rows if row["error"]] == ["broken é.png"]
    assert "1 of 25 images could not be read" in err

    written = tmp_path / "not yet there" / "labels.csv"
    assert run(capsys, "predict", run_id[:8], str(folder / "test"), "--output", str(written))[0] == 0
    with written.open(newline="") as file:
        assert len(list(csv.reader(file))) == 26
    assert run(capsys, "predict", run_id[:8], str(folder / "test"), "--output", str(written), "--json")[1] == ""
    assert json.loads(written.read_text()) == rows

    code, _, err = run(capsys, "export", run_id, "--to", str(tmp_path / "out"), "--format", "open_clip")
    assert code == 2
    assert "changes no weights" in err
    code, out, _ = run(capsys, "export", run_id, "--to", str(tmp_path / "out"))
    assert code == 0
    assert "largest difference of a probability" in out
    assert {"head.npz", "head.py", "README.md"} == {path.name for path in (tmp_path / "out").iterdir()}
    for wrong in (["--log"], ["--register", "name", "--format", "npz"], ["--format", "npz"]):
        assert run(capsys, "export", run_id, *wrong)[0] == 2

    code, out, _ = run(
        capsys, "embed", str(folder), *base[:2], "--precision", "fp32", "--to", str(tmp_path / "f.parquet")
    )
    assert code == 0
    assert "0 computed now" in out or "computed now" in out


def test_a_failed_run_exits_1(capsys, tiny_model, make_colours):
    code, out, err = run(
        capsys, "run", "--model", tiny_model, "--dataset", str(make_colours()), "--recipe", "lora",
        "--set", 'lora.targets=["*.nowhere"]',
    )  # fmt: skip
    assert code == 1
    assert "matches no linear layer" in out + err
