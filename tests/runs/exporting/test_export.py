"""Which formats a run has, and the card beside each."""

import pytest
from huggingface_hub import ModelCard

from workbench.errors import WorkbenchError
from workbench.runs.exporting.card import metric_tables


def test_without_a_format_a_run_gives_what_it_has(runs, tmp_path):
    assert runs.export("linear-probe", tmp_path / "head", None).form == "npz"
    assert runs.export("lora", tmp_path / "network", None).form == "open_clip"
    assert (tmp_path / "network" / "open_clip_model.safetensors").exists()


@pytest.mark.parametrize(
    ("recipe", "form", "message"),
    [
        ("majority-class", "onnx", "no head to export"),
        ("zero", "npz", "no head to export"),
        ("em-dirichlet", "onnx", "transductive"),
        ("tda", "npz", "online"),
        ("linear-probe", "open_clip", "changes no weights.*--format onnx or torch"),
        ("lora", "transformers", "one of open_clip; take --format open_clip"),
        ("lora", "sklearn", "has changed the network"),
    ],
)
def test_what_cannot_leave_says_why(runs, tmp_path, recipe, form, message):
    with pytest.raises(WorkbenchError, match=message):
        runs.export(recipe, tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_stays_as_it_is(runs, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WorkbenchError, match="new or empty folder"):
        runs.export("zero-shot", tmp_path, "npz")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("recipe", "form"), [("linear-probe", "npz"), ("lora", "open_clip"), ("gda", "sklearn")])
def test_a_card_of_the_hub_lies_beside_it(runs, tmp_path, recipe, form):
    runs.export(recipe, tmp_path / "out", form)
    card, result = ModelCard.load(tmp_path / "out" / "README.md"), runs.open(recipe).result
    scores = {each.metric_type: each for each in card.data.eval_results}
    assert scores["accuracy"].metric_value == result.metrics["accuracy"]
    assert scores["accuracy"].metric_args["ci_low"] == result.metrics["accuracy_ci_low"]
    assert card.data.license == "other"
    for part in (
        "## Use",
        "## Data",
        "12 train, 9 val, 24 test",
        "## Results",
        "## Limits",
        "## Licence",
        result.run_id,
    ):
        assert part in card.text
    assert "```" in card.text


def test_metrics_stand_where_readers_look_for_them():
    values = {
        "accuracy": 0.5, "sensitivity_at/youden": 0.5, "subgroup_accuracy/sex F": 0.5, "gap_subgroup_accuracy/sex": 0.1,
        "group_accuracy": 0.5, "uncalibrated_ece": 0.1, "class_recall/red": 0.5,
    }  # fmt: skip
    metrics = {**values, **{f"{name}_ci_{end}": value for name, value in values.items() for end in ("low", "high")}}
    metrics |= {"p_subgroup_accuracy/sex": 0.03, "test_items": 24.0, "train_seconds": 1.0}
    tables = {table.title: [row[0].removesuffix(" %") for row in table.rows] for table in metric_tables(metrics)}
    assert tables == {
        "All test items": ["accuracy"],
        "Operating points, chosen on validation": ["sensitivity_at/youden"],
        "Groups of images": ["group_accuracy"],
        "Subgroups": ["subgroup_accuracy/sex F", "gap_subgroup_accuracy/sex", "p_subgroup_accuracy/sex"],
        "Before calibration": ["uncalibrated_ece"],
        "Parts": ["class_recall/red"],
    }
