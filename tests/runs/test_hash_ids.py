"""Under `hash_ids` no record holds an id, a group or a name of a file; this machine can tell them all the same."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from workbench.cli import main
from workbench.datasets import open_dataset
from workbench.errors import WorkbenchError
from workbench.pseudonyms import Pseudonyms, is_pseudonym
from workbench.reports.suite import write_report
from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.runs.comparisons import compare_suite
from workbench.runs.comparisons.opening import compare_by_id
from workbench.settings import Settings
from workbench.tracking import open_store, read_runs

SECRETS = ("miller", "smith", "jones", "ward-seven", "leftover", "spreadsheet", "broken", "absent", "bare", "st-mary")


@pytest.fixture
def hidden(tmp_path):
    return Settings(
        cache=tmp_path / "cache",
        runs=tmp_path / "runs",
        device="cpu",
        precision="fp32",
        max_unreadable=0.2,
        hash_ids=True,
    )


@pytest.fixture
def ward(tmp_path):
    """`st-mary/`: pictures of patients, whose names are in ids, groups, folders and files that are not read."""
    root, rng, rows = tmp_path / "st-mary" / "colours", np.random.default_rng(0), ["file_name,label,group,split"]
    (root / "ward-seven").mkdir(parents=True)
    for i in range(36):
        split, patient = ("train", "train", "val", "test")[i % 4], ("miller", "smith", "jones")[i % 3]
        pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        name = f"ward-seven/{patient}_{i:02}.png"
        Image.fromarray(pixels).resize((40, 40)).save(root / name)
        rows.append(f"{name},{'ab'[i % 2]},{patient} {i % 9},{split}")
    # A copy in test, a broken file, one that is not there, and what no row names.
    (root / "ward-seven" / "smith_copy.png").write_bytes((root / "ward-seven" / "miller_00.png").read_bytes())
    (root / "ward-seven" / "broken.png").write_bytes(b"no image")
    rows += [f"ward-seven/{name}.png,a,jones,test" for name in ("smith_copy", "broken", "absent")]
    (root / "ward-seven" / "leftover.png").write_bytes((root / "ward-seven" / "miller_00.png").read_bytes())
    (root / "spreadsheet.xlsx").write_bytes(b"x")
    (root / "bare").write_bytes(b"x")
    (root / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def made(dataset, model, settings, recipes=("zero-shot", "nearest-class-mean"), name="hidden"):
    entries = tuple(RecipeEntry(recipe=recipe) for recipe in recipes)
    suite = Suite(name=name, models=(model,), datasets=(str(dataset),), recipes=entries)
    said = Said()
    return run_suite(suite, settings, reporter=said), said.sentences


class Said:
    def __init__(self):
        self.sentences = []

    def say(self, sentence):
        self.sentences.append(sentence)

    def progress(self, *_):
        pass


def exposed(folder: Path, model: str) -> list[tuple[Path, str]]:
    """Secrets in any file below a folder, or in the names of files, and which; tables are decoded."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = str(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else path.read_bytes()
        # A model is named by its argument; the test's own folder holds the name of the test.
        content = content.replace(model.encode(), b"").lower()
        text = f"{path.relative_to(folder)}".lower().encode() + b"\n" + content
        found += [(path, secret) for secret in SECRETS if secret.encode() in text]
    return found


def test_nothing_in_the_store_or_a_report_names_an_image_a_group_or_a_file(ward, tiny_model, hidden, tmp_path):
    runs, said = made(ward, tiny_model, hidden)
    assert {run.status for run in runs} == {"finished"}
    notes = "\n".join((*runs[0].dataset_notes, *runs[-1].duplicate_notes))
    for expected in ("images are missing, empty or cannot be read", "does not name", "Not read", "Duplicates across"):
        assert expected in notes
    strict = hidden.model_copy(update={"max_unreadable": 0.0})
    failed, _ = made(ward, tiny_model, strict, ("knn",))
    assert [run.status for run in failed if run.recipe == "knn"] == ["failed"]
    write_report(compare_suite(open_store(hidden), "hidden"), tmp_path / "report")
    assert (hidden.runs / "mlflow.db").stat().st_size > 0
    assert exposed(hidden.runs, tiny_model) == []
    assert exposed(tmp_path / "report", tiny_model) == []
    # Nor does the terminal, but for the argument as it was typed.
    assert not [text for text in said if any(secret in text.replace(str(ward), "") for secret in SECRETS)]


def test_the_test_would_find_them(ward, tiny_model, hidden):
    made(ward, tiny_model, hidden.model_copy(update={"hash_ids": False}), ("nearest-class-mean",))
    assert {secret for _, secret in exposed(hidden.runs, tiny_model)} >= set(SECRETS) - {"st-mary"}


@pytest.mark.parametrize("task", ["retrieval", "matching"])
def test_other_tasks_hide_names_too(tmp_path, tiny_model, hidden, task):
    root, rng = tmp_path / "st-mary", np.random.default_rng(0)
    root.mkdir()
    lines = []
    for i in range(24):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((32, 32)).save(root / f"smith {i}.png")
        line = {"file_name": f"smith {i}.png", "caption": f"picture number {i}", "group": f"miller {i // 2}"}
        line |= {"split": "train" if i < 12 else "test", "negatives": [f"no number {i}"]}
        lines.append(json.dumps(line))
    (root / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    columns = 'caption = "caption"\ngroup = "group"\n' + ('negatives = "negatives"\n' if task == "matching" else "")
    card = tmp_path / "pictures.toml"
    card.write_text(
        f'name = "pictures"\ntask = "{task}"\n[source]\ntype = "folder"\npath = "st-mary"\n[columns]\n{columns}'
        "[privacy]\nhash_ids = true\n",
        encoding="utf-8",
    )
    runs, _ = made(card, tiny_model, hidden.model_copy(update={"hash_ids": False}), ("zero-shot",))
    assert [run.status for run in runs if run.recipe == "zero-shot"] == ["finished"]
    assert exposed(hidden.runs, tiny_model) == []


def test_numbers_and_comparisons_are_as_without(ward, tiny_model, hidden, tmp_path):
    plain = hidden.model_copy(update={"hash_ids": False, "runs": tmp_path / "plain"})
    (first, *_), _ = made(ward, tiny_model, plain)
    (run, *_), _ = made(ward, tiny_model, hidden)
    assert run.key == first.key
    points = {name for name in run.metrics if not name.endswith(("_low", "_high", "seconds"))}
    assert {name: run.metrics[name] for name in points} == {name: first.metrics[name] for name in points}
    comparison = compare_suite(open_store(hidden), "hidden")
    assert comparison.pairs
    # Another tool knows the plain ids.
    opened = FinishedRun.open(first.run_id, plain)
    file = tmp_path / "tool.parquet"
    file.write_bytes(opened.artifact("predictions.parquet").read_bytes())
    (compared,) = compare_by_id(run.run_id, [str(file)], None, hidden)
    assert compared.difference.value == 0
    (other,) = compare_by_id(
        run.run_id, [str(FinishedRun.open(run.run_id, hidden).artifact("predictions.parquet"))], None, hidden
    )
    assert other.difference.value == 0


def test_this_machine_can_tell_who_is_who(ward, tiny_model, hidden, tmp_path, monkeypatch):
    (run, *_), _ = made(ward, tiny_model, hidden)
    monkeypatch.setenv("WORKBENCH_CACHE", str(hidden.cache))
    with pytest.raises(SystemExit) as stopped:
        main(["show", "dataset", str(ward), "--ids", str(tmp_path / "names.csv")])
    assert stopped.value.code in (0, None)
    with (tmp_path / "names.csv").open(encoding="utf-8", newline="") as file:
        names = {row["recorded_id"]: row for row in csv.DictReader(file)}
    predictions = FinishedRun.open(run.run_id, hidden).predictions
    assert all(map(is_pseudonym, predictions.ids))
    assert {names[item]["id"] for item in predictions.ids} >= {"ward-seven/smith_copy.png"}
    for item, group in zip(predictions.ids, predictions.groups, strict=True):
        assert names[item]["recorded_group"] == group
        assert names[item]["group"].split()[0] in {"miller", "smith", "jones"}
    # Its dataset is found again, and pictures by what the run calls them.
    opened = FinishedRun.open(run.run_id, hidden)
    assert opened.dataset_argument == str(ward)
    dataset = open_dataset(str(ward), hidden).under_pseudonyms(
        Pseudonyms.of_key(hidden.cache, run.tags["workbench.pseudonyms"])
    )
    assert set(predictions.ids) <= set(dataset.ids(range(len(dataset))))


def test_plain_runs_are_made_anew_and_their_files_go(ward, tiny_model, hidden):
    plain, _ = made(ward, tiny_model, hidden.model_copy(update={"hash_ids": False}))
    runs, said = made(ward, tiny_model, hidden)
    assert f"{len(plain)} runs were recorded with plain ids, or those of another key, and made anew" in " ".join(said)
    assert {run.run_id for run in plain}.isdisjoint(run.run_id for run in read_runs(open_store(hidden), "hidden"))
    artifacts = hidden.runs / "artifacts"
    assert exposed(artifacts, tiny_model) == []
    again, _ = made(ward, tiny_model, hidden)
    assert {run.run_id for run in again} == {run.run_id for run in runs}
    # Who asks for plain ones later gets what is there.
    later, _ = made(ward, tiny_model, hidden.model_copy(update={"hash_ids": False}))
    assert {run.run_id for run in later} == {run.run_id for run in runs}


def test_another_key_is_another_machine(ward, tiny_model, hidden, tmp_path):
    (run, *_), _ = made(ward, tiny_model, hidden)
    elsewhere = hidden.model_copy(update={"cache": tmp_path / "elsewhere"})
    file = tmp_path / "tool.parquet"
    file.write_bytes(FinishedRun.open(run.run_id, hidden).artifact("predictions.parquet").read_bytes())
    with pytest.raises(WorkbenchError, match="copy that file from the machine where the run was made"):
        compare_by_id(run.run_id, [str(file)], None, elsewhere)
    (tmp_path / "elsewhere" / "pseudonyms").mkdir(parents=True)
    (tmp_path / "elsewhere" / "pseudonyms" / "key").write_bytes((hidden.cache / "pseudonyms" / "key").read_bytes())
    assert compare_by_id(run.run_id, [str(file)], None, elsewhere)
