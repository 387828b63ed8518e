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
    assert "1 of 1 runs is left out" in err
    assert "80.0" not in out


@pytest.mark.usefixtures("edited")
def test_from_python_too():
    frame = workbench.results()
    assert sorted(frame["accuracy"]) == [0.2, 0.4]
    assert frame.attrs["left_out"] == 2
    assert len(workbench.results(all_states=True)) == 4


@pytest.mark.usefixtures("edited")
@pytest.mark.parametrize(
    ("flag", "value", "hint"),
    [
        ("--dataset", "tabletopp", "Did you mean 'tabletop'?"),
        ("--recipe", "zeroshot", "Did you mean 'zero-shot'?"),
        ("--recipe", "lora", "Known: knn, zero-shot."),
        ("--model", "ViT-B-32/x", "Known: m."),
        ("--suite", "adhok", "Did you mean 'adhoc'?"),
        ("--status", "finnished", "'finished', 'failed', 'running', 'killed'"),
    ],
)
def test_a_filter_that_no_run_answers_to_is_refused(show, flag, value, hint):
    for form in ("table", "json"):
        code, out, err = show(flag, value, "--format", form)
        assert code == 2
        assert flag in err
        assert value in err
        assert hint in err
        assert out == ""


@pytest.mark.usefixtures("edited")
def test_filters_that_have_nothing_in_common_do_not_say_that_the_store_is_empty(show):
    code, out, _ = show("--recipe", "knn", "--status", "failed")
    assert code == 0
    assert out == "No run passes all of these filters.\n"


def test_in_an_empty_store_no_name_is_wrong(show):
    code, out, _ = show("--dataset", "tabletop", "--suite", "adhoc")
    assert code == 0
    assert "`workbench run` makes some" in out
