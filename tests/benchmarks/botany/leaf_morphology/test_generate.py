import csv
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

from benchmarks.botany.leaf_morphology import generate
from benchmarks.botany.leaf_morphology.render import render
from benchmarks.botany.leaf_morphology.traits import SHAPES, Leaf, Specimen
from workbench.datasets.sources.generator import content_checksum


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("leaves")
    generate(path, size=64, specimens=7, leaves=2)
    return path


@pytest.fixture(scope="module")
def rows(folder):
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_classes_are_balanced_in_every_split(rows):
    counts = Counter((row["split"], row["label"]) for row in rows)
    for split, share in (("train", 8), ("val", 2), ("test", 4)):
        assert {label: counts[split, label] for label in SHAPES} == dict.fromkeys(SHAPES, share)


def test_leaves_of_a_plant_share_split_and_traits(rows):
    plants = defaultdict(set)
    for row in rows:
        plants[row["group"]].add(tuple(row[key] for key in ("split", "label", "margin", "colour", "venation")))
    assert len(plants) == 7 * len(SHAPES)
    assert all(len(found) == 1 for found in plants.values())


def test_captions_are_true_of_their_leaf(rows):
    for row in rows:
        head, _, tail = row["caption"].partition(" leaf with ")
        assert head.split(" ", 1)[1] == f"{row['colour']} {row['label']}"
        assert f"{row['margin']} margin and {row['venation']} venation, on {row['ground']}" in tail
        assert ("damaged by insects" in tail) == (row["damaged"] == "yes")
        assert head.startswith("a ")
        assert f"an {row['margin']}" in tail or f"a {row['margin']}" in tail
        assert "a entire" not in tail


def test_some_captions_fit_several_images_but_most_tell_leaves_apart(rows):
    counts = Counter(row["caption"] for row in rows)
    assert max(counts.values()) > 1
    assert len(counts) > len(rows) / 3


def test_same_seed_same_files_other_seed_other_leaves(tmp_path):
    checksums = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        generate(tmp_path / name, seed=seed, size=48, specimens=1, leaves=1)
        checksums.append(content_checksum(tmp_path / name))
    assert checksums[0] == checksums[1] != checksums[2]


def test_more_specimens_leave_earlier_images_as_they_are(tmp_path, folder):
    generate(tmp_path, size=64, specimens=1, leaves=1)
    for path in (tmp_path / "images").iterdir():
        assert path.read_bytes() == (folder / "images" / path.name).read_bytes()


@pytest.mark.parametrize("shape", SHAPES)
def test_leaf_lies_whole_in_the_image(shape):
    for seed in range(4):
        rng = np.random.default_rng([seed, 5])
        leaf = Leaf.draw(Specimen.draw(shape, rng), rng)
        image, coverage = render(leaf, 96, rng)
        assert image.shape == (96, 96, 3)
        border = np.concatenate([coverage[0], coverage[-1], coverage[:, 0], coverage[:, -1]])
        assert border.max() == 0
        assert 0.02 < coverage.mean() < 0.8


def test_images_are_rgb_of_the_size_asked(folder, rows):
    image = Image.open(folder / rows[0]["file_name"])
    assert (image.mode, image.size) == ("RGB", (64, 64))
