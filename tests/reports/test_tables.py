import csv
import io
import json
import re

import pytest

from workbench.errors import WorkbenchError
from workbench.reports import render

NASTY = r"a|b & 50% of $x_1 <b>{~^}\ [=y]"


def result(recipe="linear-probe", accuracy=0.5, *, run_id="r", status="finished", seed=0, groups=None, **changes):
    metrics = {}
    if status == "finished":
        metrics = {"accuracy": accuracy, "accuracy_ci_low": accuracy - 0.03, "accuracy_ci_high": accuracy + 0.02}
        metrics |= {"nll": 2 - accuracy, "nll_ci_low": 1 - accuracy, "nll_ci_high": 3 - accuracy, "test_items": 300.0}
        metrics |= {} if groups is None else {"test_groups": float(groups)}
    tags = {"workbench.primary_metric": "accuracy"}
    tags |= {"workbench.error": f"{NASTY}\nTraceback"} if status == "failed" else {}
    base = {
        "run_id": run_id, "suite": "s", "model": "ViT-B-32/x", "dataset": "flowers", "field": "botany",
        "task": "classification", "recipe": recipe, "shots": "all", "seed": seed, "status": status,
        "metrics": metrics, "params": {}, "tags": tags,
    }  # fmt: skip
    return {**base, **changes}


RESULTS = [
    result("zero-shot", 0.1),
    result("lora", status="failed"),
    result("linear-probe", 0.72),
    result("majority-class", 0.08),
]


def markdown_rows(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_rows_are_ordered_by_the_primary_metric_and_failed_runs_come_last():
    rows = markdown_rows(render(RESULTS, "markdown"))
    assert [row[1] for row in rows] == ["linear-probe", "zero-shot", "majority-class (baseline)", "lora"]
    assert rows[0][4] == r"**72.0 \[69.0, 74.0\]**"
    assert rows[1][4] == r"10.0 \[7.0, 12.0\]"
    assert rows[3][5].startswith("failed: a")


def test_lower_is_better_where_it_is():
    rows = markdown_rows(render(RESULTS, "markdown", ["nll"]))
    assert [row[1] for row in rows[:2]] == ["linear-probe", "zero-shot"]
    assert rows[0][4] == r"**1.28 \[0.28, 2.28\]**"


@pytest.mark.parametrize(("groups", "marked"), [(19, True), (20, False), (None, False)])
def test_unreliable_intervals_are_marked_and_explained(groups, marked):
    for format_ in ("table", "markdown", "latex"):
        text = render([result(groups=groups)], format_, width=150)
        assert ("unreliable" in text) is marked
        assert ("†" in text or r"\dag" in text) is marked


def test_each_dataset_has_its_part_and_its_own_best():
    text = render([*RESULTS, result("knn", 0.4, dataset="blood"), result("lora", 0.3, dataset="blood")], "markdown")
    assert re.findall(r"^### (\w+) \((\w+)\), by accuracy", text, re.M) == [("blood", "botany"), ("flowers", "botany")]
    assert [row[4].startswith("**") for row in markdown_rows(text) if row[1] in ("knn", "linear-probe")] == [True, True]


def test_runs_with_the_same_shots_stand_together_and_have_a_best_of_their_own():
    runs = [
        result("zero-shot", 0.55, shots="0"), result("linear-probe", 0.7), result("linear-probe", 0.6, shots="16"),
        result("lora", 0.65, shots="16"), result("lora", 0.5, shots="4"), result("majority-class", 0.1, model="none"),
        result("gda", status="failed", shots="16"),
    ]  # fmt: skip
    rows = markdown_rows(render(runs, "markdown", ["accuracy"]))
    assert [(row[1].removesuffix(" (baseline)"), row[2], "**" in row[4]) for row in rows] == [
        ("linear-probe", "all", True), ("lora", "16", True), ("linear-probe", "16", False), ("lora", "4", False),
        ("zero-shot", "-", False), ("majority-class", "-", False), ("gda", "16", False),
    ]  # fmt: skip
    assert render(runs, "latex").count(r"\addlinespace") == 4
    for format_ in ("table", "markdown", "latex"):
        assert "compare those with the same" in render(runs, format_, width=150)
        assert "compare those with the same" not in render(RESULTS, format_, width=150)
    better = [result("zero-shot", 0.8, shots="0"), *runs[1:]]
    assert [row[1] for row in markdown_rows(render(better, "markdown", ["accuracy"])) if "**" in row[4]] == [
        "zero-shot"
    ]


def test_a_single_run_is_not_called_best():
    assert "best" not in render([result()], "markdown")


def test_seeds_become_mean_and_spread():
    runs = [result(accuracy=a, seed=s) for s, a in enumerate((0.6, 0.7, 0.8))] + [
        result(accuracy=0.5, params={"x": "1"})
    ]
    rows = markdown_rows(render(runs, "markdown", aggregate_seeds=True))
    assert [row[3:5] for row in rows] == [["3 seeds", "**70.0 ± 10.0**"], ["0", r"50.0 \[47.0, 52.0\]"]]
    found = json.loads(render(runs, "json", ["accuracy"], aggregate_seeds=True))
    assert found[0]["metrics"]["accuracy"] == {
        "mean": pytest.approx(0.7), "sd": pytest.approx(0.1), "low": None, "high": None,
    }  # fmt: skip
    assert "0.7" in render(runs, "csv", ["accuracy"], aggregate_seeds=True)


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_the_interval_of_several_seeds_is_the_one_that_is_handed_in(form):
    runs = [result(seed=seed) for seed in (0, 1)]
    text = render(runs, form, ["accuracy"], aggregate_seeds=True, width=160, intervals=lambda group, _: (
        (0.0125, 0.9875) if [run.seed for run in group.runs] == [0, 1] else pytest.fail("not both seeds")))  # fmt: skip
    assert all(end in text for end in (("0.0125", "0.9875") if form in ("csv", "json") else ("1.2", "98.8")))


@pytest.mark.parametrize("aggregate", [False, True])
def test_runs_that_differ_in_a_setting_name_it(aggregate):
    runs = [result("zero-shot", a, params={"prompts": p, "x": "1"}) for a, p in ((0.4, "single"), (0.5, "ensemble"))]
    rows = markdown_rows(render(runs, "markdown", aggregate_seeds=aggregate))
    assert [row[1] for row in rows] == ["zero-shot (prompts=ensemble)", "zero-shot (prompts=single)"]
    named = csv.DictReader(io.StringIO(render(runs, "csv", ["accuracy"], aggregate_seeds=aggregate)))
    assert {row["recipe" if aggregate else "label"] for row in named} == {row[1] for row in rows}


def test_json_holds_the_objects_and_no_nan():
    broken = result(accuracy=float("nan"))
    found = json.loads(render([*RESULTS, broken], "json"), parse_constant=pytest.fail)
    assert found[:4] == RESULTS
    assert found[4]["metrics"]["accuracy"] is None
    only = json.loads(render(RESULTS, "json", ["accuracy"]))[0]["metrics"]
    assert set(only) == {"accuracy", "accuracy_ci_low", "accuracy_ci_high"}


def test_csv_comes_back_with_full_precision():
    rows = list(csv.DictReader(io.StringIO(render([result(accuracy=1 / 3), *RESULTS[1:]], "csv"))))
    assert float(rows[0]["accuracy"]) == 1 / 3
    assert rows[1]["accuracy"] == ""
    assert rows[1]["error"] == f"{NASTY} Traceback"
    assert [row["recipe"] for row in rows] == ["linear-probe", "lora", "linear-probe", "majority-class"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x"])
def test_csv_holds_no_formula(text):
    assert next(csv.DictReader(io.StringIO(render([result(model=text)], "csv"))))["model"] == f"'{text}"


def test_markdown_shows_text_as_it_is():
    row = markdown_rows(render([result(model=NASTY)], "markdown"))[0]
    assert re.sub(r"\\([\\|&$<>~\[\]_*`])", r"\1", row[0]) == NASTY
    assert not re.search(r"(?<!\\)[<>$&]", row[0])


def test_latex_escapes_what_latex_reads():
    text = render([result(model="[x] 5% & $a_b #{~^}\\"), result("lora", status="failed")], "latex")
    assert r"{[}x] 5\% \& \$a\_b \#\{\textasciitilde{}\textasciicircum{}\}\textbackslash{} & linear-probe" in text
    assert text.count(r"\begin{tabular}{llllrl}") == 1
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    bodies = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in bodies} == {5}


def test_the_terminal_gets_no_control_characters_and_no_markup():
    text = render([result(model="\x1b[31mred\x07 [bold]x[/bold] \u202eabc :smile:")], "table", width=150)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)
    assert "[bold]x[/bold]" in text
    assert ":smile:" in text
    assert "\x1b[" in render(RESULTS, "table", width=150, color=True)


def test_a_narrow_terminal_loses_nothing():
    text = render(RESULTS, "table", width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert "72.0" in text
    assert "…" not in text


def test_a_terminal_without_unicode_gets_ascii(monkeypatch):
    import sys

    class Ascii(io.StringIO):
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Ascii())
    text = render([result(model="café", groups=5), result(seed=1, groups=5)], "table", width=150, aggregate_seeds=True)
    assert text.isascii()
    assert "caf\\xe9" in text


@pytest.mark.parametrize(
    ("format_", "expected"), [("json", []), ("csv", "run_id"), ("markdown", "No runs"), ("table", "No")]
)
def test_no_results_are_no_error(format_, expected):
    text = render([], format_)
    assert json.loads(text) == expected if format_ == "json" else text.startswith(expected)


def test_a_metric_that_some_runs_lack_is_a_dash():
    lacking = result("knn", 0.9)
    del lacking["metrics"]["nll"]
    rows = markdown_rows(render([lacking, result()], "markdown", ["accuracy", "nll"]))
    assert rows[0][5] == "-"


def test_unknown_metrics_and_formats_are_refused_with_a_hint():
    with pytest.raises(WorkbenchError, match=r"no result has 'acuracy'\. Did you mean 'accuracy'"):
        render(RESULTS, "table", ["acuracy"])
    with pytest.raises(WorkbenchError, match="got 'md'"):
        render(RESULTS, "md")


def test_retrieval_is_ordered_by_its_own_metric():
    metrics = {"text_to_image_recall_at_1": 0.3, "text_to_image_median_rank": 4.0, "image_to_text_map": 0.2}
    run = result(task="retrieval", metrics=metrics, tags={})
    better = result("lora", task="retrieval", metrics={**metrics, "text_to_image_recall_at_1": 0.4}, tags={})
    text = render([run, better], "markdown", ["text_to_image_recall_at_1", "text_to_image_median_rank"])
    assert "by text_to_image_recall_at_1" in text
    assert [row[1] for row in markdown_rows(text)] == ["lora", "linear-probe"]
    assert markdown_rows(text)[0][5] == "**4**"


def edited(fingerprint, accuracy, **changes):
    tags = {"workbench.primary_metric": "accuracy", "dataset.fingerprint": fingerprint}
    return result("knn", accuracy, tags=tags, **changes)


def test_states_of_a_dataset_have_parts_of_their_own_and_no_common_best():
    text = render([edited("bbbbbbbbbb", 0.2), edited("aaaaaaaaaa", 0.1)], "markdown")
    assert re.findall(r"^### .*", text, re.M) == [
        "### flowers (botany), state bbbbbbbb, by accuracy", "### flowers (botany), state aaaaaaaa, by accuracy",
    ]  # fmt: skip
    assert "**" not in text
    assert "state" not in render([edited("aaaaaaaaaa", 0.1), edited("aaaaaaaaaa", 0.2)], "markdown")


def test_states_are_never_averaged_and_a_seed_counts_once():
    runs = [edited("b", 0.4, seed=1), edited("b", 0.2), edited("b", 0.9), edited("a", 0.0, seed=2)]
    found = json.loads(render(runs, "json", ["accuracy"], aggregate_seeds=True))
    assert [(row["dataset_state"], row["seeds"]) for row in found] == [("b", "2 seeds"), ("a", "2")]
    assert found[0]["metrics"]["accuracy"]["mean"] == pytest.approx(0.3)


def test_another_precision_or_recipe_version_is_no_second_seed():
    for tag in ("precision", "workbench.recipe_version", "model.fingerprint", "workbench.refit"):
        runs = [result(seed=seed, tags={"workbench.primary_metric": "accuracy", tag: str(seed)}) for seed in (0, 1)]
        assert len(markdown_rows(render(runs, "markdown", aggregate_seeds=True))) == 2, tag


def test_csv_tells_states_apart():
    rows = list(csv.DictReader(io.StringIO(render([edited("b", 0.2), edited("a", 0.1)], "csv"))))
    assert [row["dataset.fingerprint"] for row in rows] == ["b", "a"]
