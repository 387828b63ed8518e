"""Suspect labels of a dataset, from planted mistakes to the command."""

import csv
import json

import numpy as np
import pytest

from workbench.arrays import normalise
from workbench.cli import main
from workbench.errors import DataError
from workbench.labelling.suspects import out_of_fold
from workbench.metrics.functional import suspects_by_noise_rate


def planted(share, n=600, classes=6, seed=0):
    """Features about class directions, labels of which a share is wrong, and which those are."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    features = normalise((np.eye(classes, 20)[true] + 0.25 * rng.normal(size=(n, 20))).astype(np.float32))
    wrong = rng.random(n) < share
    return features, np.where(wrong, (true + rng.integers(1, classes, n)) % classes, true), wrong


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_most_planted_mistakes_are_found(share):
    features, labels, wrong = planted(share)
    chances, judged = out_of_fold(features, labels, np.arange(600))
    assert judged.all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    found = suspects_by_noise_rate(chances, labels)
    assert wrong[found].mean() > 0.7
    assert np.isin(np.flatnonzero(wrong), found).mean() > 0.7


def test_an_image_is_not_judged_by_others_of_its_group():
    rng = np.random.default_rng(0)
    # No class has a look of its own; each group's images are alike, and so are their labels.
    features = normalise(np.repeat(rng.normal(size=(60, 40)), 3, axis=0).astype(np.float32))
    labels = np.repeat(rng.integers(0, 3, 60), 3)
    apart, _ = out_of_fold(features, labels, np.repeat(np.arange(60), 3))
    mixed, _ = out_of_fold(features, labels, np.arange(180))
    own = np.arange(180)
    assert apart[own, labels].mean() < 0.45
    assert mixed[own, labels].mean() > 0.6


def test_a_class_of_one_image_is_not_judged():
    features, labels, _ = planted(0.0)
    labels[7] = 6
    _, judged = out_of_fold(features, labels, np.arange(600))
    assert np.flatnonzero(~judged).tolist() == [7]


@pytest.mark.parametrize(("labels", "groups"), [([0] * 20, range(20)), ([0, 1] * 10, [0, 1, 2, 3] * 5)], ids=str)
def test_what_cannot_be_judged_is_refused(labels, groups):
    with pytest.raises(DataError, match="expected two classes or more, and 5 groups"):
        out_of_fold(np.eye(20, dtype=np.float32), np.array(labels), np.array(groups))


def test_check_lists_suspects_with_their_pictures(make_colours, tiny_model, tmp_path, capsys):
    root = make_colours(train=12, val=4, test=4)
    (root / "train" / "red" / "3.png").rename(root / "train" / "blue" / "red.png")
    (root / "test" / "green" / "2.png").rename(root / "test" / "red" / "green.png")
    table, page = tmp_path / "suspects.csv", tmp_path / "suspects.html"
    arguments = ["check", str(root), "--device", "cpu", "--cache", str(tmp_path / "cache")]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--model", tiny_model, "--suspects", str(table), "--html", str(page)])
    assert ended.value.code == 0
    rows = list(csv.DictReader(table.open()))
    assert {row["id"] for row in rows[:2]} == {"train/blue/red.png", "test/red/green.png"}
    first = {row["id"]: row for row in rows}["train/blue/red.png"]
    assert (first["split"], first["label"], first["likelier"]) == ("train", "blue", "red")
    assert float(first["likelier_probability"]) > float(first["probability"])
    assert "train/blue/red.png (train): labelled blue, rather red?" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "labelled blue" in text
    assert text.count("data:image/jpeg") == len(rows)

    with pytest.raises(SystemExit):
        main([*arguments, "--model", tiny_model, "--json"])
    assert [row["id"] for row in json.loads(capsys.readouterr().out)["suspect_labels"]] == [row["id"] for row in rows]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--html", str(page)])
    assert ended.value.code == 2
    assert "--suspects and --html need --model" in capsys.readouterr().err
