"""The example of docs/botany.md, run: each number of its run against a plain computation from the predictions."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from tests.executors.suites import Told
from workbench.datasets import open_dataset
from workbench.errors import CardError, DataError
from workbench.labelling import LabelRules
from workbench.metrics import softmax
from workbench.metrics.hierarchy import LikeliestTaxa, choose_backoff
from workbench.reports.suite import write_report
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.apply import label_predictions, predict_folder
from workbench.runs.comparisons import compare_suite
from workbench.runs.comparisons.opening import compare_by_id
from workbench.runs.finished import FinishedRun
from workbench.settings import Settings
from workbench.tasks.classification.other_predictions import joined_predictions
from workbench.tracking import open_store

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs/botany.md").read_text("utf-8")
CARD, NEW = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SPECIES = {
    "Bellis perennis": ("Bellis", "Asteraceae", (220, 220, 160)),
    "Leucanthemum vulgare": ("Leucanthemum", "Asteraceae", (230, 230, 210)),
    "Ranunculus acris": ("Ranunculus", "Ranunculaceae", (230, 210, 40)),
    "Ranunculus repens": ("Ranunculus", "Ranunculaceae", (210, 200, 60)),
    "Rosa canina": ("Rosa", "Rosaceae", (230, 160, 190)),
}
TRAIN = {"Bellis perennis": 24, "Leucanthemum vulgare": 8, "Ranunculus acris": 8, "Ranunculus repens": 4}


def draw(folder):
    """Photographs in pairs, an observation each; two observations a site."""
    (folder / "images").mkdir()
    rng, lines = np.random.default_rng(0), ["image,species,genus,family,site,observation,country,split"]
    for split in ("train", "val", "test"):
        for name, (genus, family, colour) in SPECIES.items():
            for i in range(TRAIN.get(name, 4) if split == "train" else 12):
                if i % 2 == 0:
                    shade = rng.normal(0, 25, 3)
                pixels = np.clip(
                    np.array(colour) + shade + rng.normal(0, 10, 3) + rng.normal(0, 50, (40, 40, 3)), 0, 255
                )
                file = f"images/{split}-{name.replace(' ', '-')}-{i}.png"
                Image.fromarray(pixels.astype(np.uint8)).save(folder / file)
                key, country = f"{split}-{name}-", ("Austria", "Norway", "Chile")[(i // 2) % 3]
                lines.append(f"{file},{name},{genus},{family},{key}{i // 4},{key}o{i // 2},{country},{split}")
    return lines


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_model):
    folder = tmp_path_factory.mktemp("meadow")
    lines = draw(folder)
    (folder / "meadow.csv").write_text("\n".join(lines))
    (folder / "meadow.toml").write_text(CARD)
    (folder / "meadow-new.toml").write_text(NEW)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    commands = re.findall(r"^workbench run (.*)$", TEXT, re.MULTILINE)
    assert "--recipe zero-shot --recipe linear-probe --shots 4 --name meadow" in commands[0]
    assert "--recipe zero-shot --set zero-shot.prompts=descriptions" in commands[1]

    def run(suite, card, *entries, **more):
        made = Suite(name=suite, models=(tiny_model,), datasets=(str(folder / card),), recipes=entries, figures=False,
                     baseline=False, **more)  # fmt: skip
        found = {run.recipe: run for run in run_suite(made, settings, reporter=Told())}
        assert {run.status for run in found.values()} == {"finished"}, [run.tags for run in found.values()]
        return found

    entries = (RecipeEntry(recipe="zero-shot"), RecipeEntry(recipe="linear-probe"))
    runs = run("meadow", "meadow.toml", *entries, shots=(4,))
    return folder, runs, settings, run


@pytest.fixture
def probe(made):
    _, runs, settings, _ = made
    run = runs["linear-probe"]
    return run.metrics, FinishedRun.open(run.run_id, settings).predictions


def between(metrics, name):
    return metrics[f"{name}_ci_low"] <= metrics[name] <= metrics[f"{name}_ci_high"]


def test_ranks(probe):
    metrics, found = probe
    chance, labels = softmax(found.scores), found.labels
    for rank, which in (("genus", 0), ("family", 1)):
        taxon = np.array([SPECIES[name][which] for name in found.class_names])
        names = sorted(set(taxon))
        sums = np.stack([chance[:, taxon == name].sum(axis=1) for name in names], axis=1)
        expected = accuracy_score(taxon[labels], np.array(names)[sums.argmax(axis=1)])
        assert metrics[f"rank_accuracy/{rank}"] == pytest.approx(expected)
        assert between(metrics, f"rank_accuracy/{rank}")
    guess = found.scores.argmax(axis=1)
    steps = [
        0 if a == b else 1 + sum(SPECIES[found.class_names[a]][k] != SPECIES[found.class_names[b]][k] for k in (0, 1))
        for a, b in zip(guess, labels, strict=True)
    ]
    assert metrics["hierarchical_distance"] == pytest.approx(np.mean(steps))
    assert metrics["mistake_severity"] == pytest.approx(np.mean([step for step in steps if step]))


def test_backing_off_is_chosen_on_validation_and_never_on_test(made, probe):
    folder, runs, settings, run = made
    metrics, found = probe
    table = pq.read_table(FinishedRun.open(runs["linear-probe"].run_id, settings).artifact("validation.parquet"))
    scores = np.array(table.column("scores").to_pylist(), dtype=np.float32)
    labels = np.array(table.column("label").to_pylist())
    taxa = LikeliestTaxa.of(found.taxonomy, softmax(scores), labels)
    threshold = found.choices.backoff
    assert threshold == pytest.approx(choose_backoff(taxa, 0.9))
    assert threshold != pytest.approx(
        choose_backoff(LikeliestTaxa.of(found.taxonomy, softmax(found.scores), found.labels), 0.9)
    )
    on_test = LikeliestTaxa.of(found.taxonomy, softmax(found.scores), found.labels)
    level = on_test.answered(threshold)
    right = on_test.hits[np.arange(len(level)), level][level >= 0]
    assert metrics["backoff_coverage"] == pytest.approx((level >= 0).mean())
    assert metrics["backoff_coverage/genus"] == pytest.approx((level == 1).mean())
    assert metrics["backoff_accuracy"] == pytest.approx(right.mean())
    # Other test labels: the same threshold, other numbers.
    swap = {"Bellis perennis": "Ranunculus acris", "Ranunculus acris": "Bellis perennis"}
    rows = [line.split(",") for line in (folder / "meadow.csv").read_text().splitlines()]
    for row in rows:
        if row[-1] == "test" and row[1] in swap:
            row[1] = swap[row[1]]
            row[2:4] = SPECIES[row[1]][:2]
    (folder / "swapped.csv").write_text("\n".join(map(",".join, rows)))
    (folder / "swapped.toml").write_text(CARD.replace("meadow.csv", "swapped.csv").replace('"meadow"', '"swapped"'))
    other = run("swapped", "swapped.toml", RecipeEntry(recipe="linear-probe"), shots=(4,))["linear-probe"]
    assert FinishedRun.open(other.run_id, settings).predictions.choices.backoff == pytest.approx(threshold)
    assert other.metrics["accuracy"] != metrics["accuracy"]


def test_new_images_are_answered_at_the_rank_that_is_sure_enough(made, probe):
    folder, runs, settings, _ = made
    _, found = probe
    opened = FinishedRun.open(runs["linear-probe"].run_id, settings)
    # Thresholds at which species, genera and none are answered.
    path = opened.artifact("predictor") / "choices.json"
    choices = json.loads(path.read_text())
    taxa = LikeliestTaxa.of(found.taxonomy, softmax(found.scores), found.labels)
    answers = {row["file"]: row for row in label_predictions(predict_folder(opened, folder / "images"), LabelRules())}
    level = taxa.answered(float(choices["backoff"]))
    for i, name in enumerate(found.ids):
        row, ranks = answers[name.removeprefix("images/")], ("species", "genus", "family")
        assert row["rank"] == (ranks[level[i]] if level[i] >= 0 else None)
        if level[i] == 0:
            assert row["taxon"] == row["class_1"]
        elif level[i] > 0:
            sums = {}
            for species, chance in zip(found.class_names, softmax(found.scores)[i], strict=True):
                taxon = SPECIES[species][level[i] - 1]
                sums[taxon] = sums.get(taxon, 0) + chance
            assert row["taxon"] == max(sums, key=sums.get)
    assert len(set(level)) > 1


def test_frequency_goes_by_the_whole_training_split(probe):
    metrics, found = probe
    recalls = recall_score(found.labels, found.scores.argmax(axis=1), average=None)
    by_name = dict(zip(found.class_names, recalls, strict=True))
    assert metrics["train_images"] == 16  # Four of each, of 24, 8, 8 and 4.
    assert metrics["frequency_accuracy/head"] == pytest.approx(by_name["Bellis perennis"])
    middle = [by_name[name] for name in ("Leucanthemum vulgare", "Ranunculus acris")]
    assert metrics["frequency_accuracy/middle"] == pytest.approx(np.mean(middle))
    assert metrics["frequency_accuracy/tail"] == pytest.approx(by_name["Ranunculus repens"])


def test_observations_are_the_mean_of_their_photographs(probe):
    metrics, found = probe
    chance, names = softmax(found.scores), np.array(found.observations)
    each = list(dict.fromkeys(names))
    assert len(each) == len(names) / 2
    joined = np.stack([chance[names == name].mean(axis=0) for name in each])
    truth = np.array([found.labels[names == name][0] for name in each])
    assert metrics["observation_accuracy"] == pytest.approx(accuracy_score(truth, joined.argmax(axis=1)))
    assert metrics["observation_balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(truth, joined.argmax(axis=1))
    )
    assert between(metrics, "observation_accuracy")
    assert not [name for name in metrics if name.startswith("group_")]
    # Two observations a site are resampled together; observations that are the groups are resampled one by one.
    assert len(set(joined_predictions(found).groups)) == len(each) / 2
    assert joined_predictions(replace(found, groups=found.observations)).group_codes is None


def test_what_does_not_occur_in_a_region_has_no_probability(made, probe):
    _, runs, _, _ = made
    metrics, found = probe
    lists = tomllib.loads(CARD)["checklists"]
    chance = softmax(found.scores)
    listed = []
    for own, region, label in zip(chance, found.regions, found.labels, strict=True):
        if region in lists:
            own[[name not in lists[region] for name in found.class_names]] = 0
            listed.append(found.class_names[label] in lists[region])
    assert metrics["regional_accuracy"] == pytest.approx(accuracy_score(found.labels, chance.argmax(axis=1)))
    assert metrics["checklist_coverage"] == pytest.approx(np.mean(listed))
    assert metrics["regional_accuracy"] != metrics["accuracy"] == accuracy_score(found.labels, found.scores.argmax(1))
    assert "20 of 60 test images are of no region with a list" in runs["linear-probe"].tags["notes"]


def test_a_new_species_is_known_by_its_description(made):
    _, _, settings, run = made
    entry = RecipeEntry(recipe="zero-shot", config={"prompts": "descriptions"})
    made_run = run("meadow-new", "meadow-new.toml", entry)["zero-shot"]
    found = FinishedRun.open(made_run.run_id, settings).predictions
    assert len(found.class_names) == 5
    new = found.labels == found.class_names.index("Bellis perennis")
    expected = (found.scores.argmax(axis=1) == found.labels)[new].mean()
    assert made_run.metrics["unseen_accuracy"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "metric",
    ["rank_accuracy/genus", "hierarchical_distance", "mistake_severity", "backoff_coverage", "backoff_coverage/family",
     "backoff_information", "frequency_accuracy/middle", "observation_accuracy", "regional_accuracy",
     "regional_rank_accuracy/family", "observation_rank_accuracy/genus", "checklist_coverage"],
)  # fmt: skip
def test_runs_are_compared_by_all_of_them(made, metric):
    _, runs, settings, _ = made
    a, b = (runs[name] for name in ("linear-probe", "zero-shot"))
    (found,) = compare_by_id(a.run_id, [b.run_id], metric, settings)
    assert found.difference.value == pytest.approx(a.metrics[metric] - b.metrics[metric], abs=1e-6)


def test_predictions_are_read_as_they_were_written_and_reordered_as_one(probe, tmp_path):
    _, found = probe
    found.write(tmp_path / "again.parquet")
    again = type(found).read(tmp_path / "again.parquet")
    for name in ("taxonomy", "bands", "checklists", "regions", "observations"):
        assert getattr(again, name) == getattr(found, name), name
    assert again.choices.to_dict() == found.choices.to_dict()
    names = ["rank_accuracy", "frequency_accuracy", "checklist_coverage", "regional_accuracy", "backoff_accuracy"]
    order = [3, 0, 2, 1]
    turned = found.matched(
        type(found)([], [], None, found.scores[:0], tuple(found.class_names[i] for i in order),
                    tuple(found.class_keys[i] for i in order))
    )  # fmt: skip
    assert turned.class_names != found.class_names
    for metric in names:
        full = f"{metric}/genus" if metric == "rank_accuracy" else metric
        full = f"{metric}/tail" if metric == "frequency_accuracy" else full
        values = [
            each.scores_of(full).measured(each.scores_of(full).values[None], full).value for each in (found, turned)
        ]
        assert values[0] == pytest.approx(values[1]), metric


def test_the_report_shows_them(made, tmp_path):
    _, _, settings, _ = made
    write_report(compare_suite(open_store(settings), "meadow"), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in ("rank_accuracy/genus", "backoff_coverage/genus", "observation_accuracy", "regional_accuracy",
                  "frequency_accuracy/tail", "unknown_auroc/energy"):  # fmt: skip
        assert words in text


def test_lists_may_stand_in_a_file(made):
    folder, _, settings, _ = made
    lists = tomllib.loads(CARD)["checklists"]
    lines = ["region,label", *(f"{region},{name}" for region, names in lists.items() for name in names)]
    (folder / "lists.csv").write_text("\n".join([*lines, "Austria,Aster alpinus"]))
    text = 'checklists_file = "lists.csv"\n' + CARD.partition("[checklists]")[0]
    (folder / "listed.toml").write_text(text)
    found = open_dataset(str(folder / "listed.toml"), settings).card.checklists
    assert found == {"Austria": (*lists["Austria"], "Aster alpinus"), "Norway": tuple(lists["Norway"])}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"observation"  ', '"site"', "are of several"),
        ('observation = "observation"', 'observation = "plant"', "no image has a column 'plant'"),
        ('Norway = ["Ranunculus acris", ', 'Iceland = ["Betula nana"]\nNorway = [', "region 'Iceland' has 1 names"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(made, tiny_model, old, new, words):
    folder, _, settings, _ = made
    assert old in CARD
    text = CARD.replace(old, new)
    if "several" in words:
        rows = (folder / "meadow.csv").read_text().replace("test-Bellis perennis-o1,", "test-Bellis perennis-o5,")
        (folder / "mixed.csv").write_text(rows)
        text = CARD.replace("meadow.csv", "mixed.csv")
    (folder / "wrong.toml").write_text(text)
    entries = (RecipeEntry(recipe="zero-shot"),)
    suite = Suite(name="w", models=(tiny_model,), datasets=(str(folder / "wrong.toml"),), recipes=entries)
    with pytest.raises(DataError, match=words):
        run_suite(suite, settings)


def test_lists_and_regions_go_together(made):
    folder, _, settings, _ = made
    (folder / "wrong.toml").write_text(CARD.replace('region = "country"', ""))
    with pytest.raises(CardError, match=r"columns\.region goes with the classes of each region"):
        open_dataset(str(folder / "wrong.toml"), settings)
