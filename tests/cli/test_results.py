"""`workbench results` on a store whose dataset was edited between two runs."""

import json

import pytest

import workbench
from workbench.cli import main
from workbench.tracking import RunRecorder, open_store, schema


@pytest.fixture
def show(capsys):
    def run(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["results", *arguments])
        out = capsys.readouterr()
        return stopped.value.code or 0, out.out, out.err

    return run


@pytest.fixture
def edited(settings, tmp_path):
    """zero-shot and knn on the first state of `tabletop`, zero-shot again on the second, seed 0 and 1."""
    store, empty = open_store(settings), tmp_path / "empty"
    empty.mkdir()
    rows = [
        ("one", "zero-shot", 0, 0.9), ("one", "knn", 0, 0.8), ("two", "zero-shot", 0, 0.2), ("two", "zero-shot", 1, 0.4)
    ]  # fmt: skip
    for n, (state, recipe, seed, accuracy) in enumerate(rows):
        params = {
            "model": "m", "dataset": "tabletop", "field": "robotics", "task": "classification", "recipe": recipe,
            "shots": "0", "seed": seed,
        }  # fmt: skip
        tags = {schema.RUN_KEY: str(n), schema.PRIMARY_METRIC: "accuracy", "dataset.fingerprint": state}
        recorder = RunRecorder.begin(store, "adhoc", str(n), params, tags)
        recorder.finish({"accuracy": accuracy}, {}, empty)
    return store


@pytest.mark.usefixtures("edited")
@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_older_states_are_left_out_of_every_format_and_counted(show, form):
    code, out, err = show("--format", form)
    assert code == 0
    assert "knn" not in out
    assert "2 of 4 runs are left out" in err
    assert "--all-states" in err
    code, out, err = show("--format", form, "--all-states")
    assert "knn" in out
    assert err == ""


@pytest.mark.usefixtures("edited")
def test_the_aggregate_is_over_the_seeds_of_the_newest_state(show):
    _, out, _ = show("--aggregate", "--json")
    (row,) = json.loads(out)
    assert row["seeds"] == "2 seeds"
    assert row["metrics"]["accuracy"]["mean"] == pytest.approx(0.3)
    _, out, _ = show("--aggregate", "--all-states", "--json")
    assert sorted((row["recipe"], row["dataset_state"], row["seeds"]) for row in json.loads(out)) == [
        ("knn", "one", "0"), ("zero-shot", "one", "0"), ("zero-shot", "two", "2 seeds"),
    ]  # fmt: skip


@pytest.mark.usefixtures("edited")
def test_a_filter_does_not_make_an_old_state_the_newest(show):
    code, out, err = show("--recipe", "knn")
    assert code == 0
    assert "1 of 1 runs are left out" in err
    assert "80.0" not in out


@pytest.mark.usefixtures("edited")
def test_from_python_too():
    frame = workbench.results()
    assert sorted(frame["accuracy"]) == [0.2, 0.4]
    assert frame.attrs["left_out"] == 2
    assert len(workbench.results(all_states=True)) == 4
