"""The embedded sets in other domains: balanced, no group in two, each target unlike the source in what it says."""

import csv
import json
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("nilearn", reason="mri-planes needs the quickstart extra")

from benchmarks.botany import leaf_morphology
from benchmarks.botany.leaf_morphology import domains as of_leaves
from benchmarks.medical import mri_planes
from benchmarks.medical.mri_planes import domains as of_slices
from benchmarks.medical.mri_planes.slabs import LAYOUTS, slabs
from benchmarks.robotics import tabletop
from benchmarks.robotics.tabletop import domains as of_tables
from workbench.datasets import open_dataset, resolve_card
from workbench.datasets.sources.generator import content_checksum
from workbench.settings import Settings

SMALL = {
    "leaf-morphology-domains": {"specimens": 7, "leaves": 1, "size": 64},
    "mri-planes-domains": {"stride": 4, "size": 64},
    "tabletop-domains": {"scenes": 2, "views": 1, "size": 48},
}
GENERATE = {
    "leaf-morphology-domains": leaf_morphology.generate_domains,
    "mri-planes-domains": mri_planes.generate_domains,
    "tabletop-domains": tabletop.generate_domains,
}
DOMAINS = {
    "leaf-morphology-domains": of_leaves.DOMAINS,
    "mri-planes-domains": of_slices.DOMAINS,
    "tabletop-domains": of_tables.DOMAINS,
}


@pytest.fixture(scope="module", params=SMALL)
def written(request, tmp_path_factory):
    """A set's name, its folder, and its rows by domain."""
    folder = tmp_path_factory.mktemp(request.param)
    GENERATE[request.param](folder, **SMALL[request.param])
    rows = defaultdict(list)
    with (folder / "metadata.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["domain"]].append(row)
    return request.param, folder, rows


def pictures(folder, rows):
    return np.stack([np.asarray(Image.open(folder / row["file_name"]).convert("RGB"), dtype=float) for row in rows])


def test_every_domain_has_every_class_alike(written):
    name, folder, rows = written
    assert list(rows) == list(DOMAINS[name])
    assert len(list((folder / "images").iterdir())) == sum(map(len, rows.values()))
    for of_domain in rows.values():
        counts = Counter(row["label"] for row in of_domain)
        assert len(counts) == len(resolve_card(name)[0].classes)
        assert max(counts.values()) <= 2 * min(counts.values())


def test_no_group_is_trained_on_and_tested_elsewhere(written):
    name, _, rows = written
    source = next(iter(rows))
    trained = {row["group"] for row in rows[source] if row["split"] != "test"}
    for domain, of_domain in rows.items():
        if domain != source:
            assert not trained & {row["group"] for row in of_domain}
    if name == "mri-planes-domains":
        test_slabs = {slab.group for plane in LAYOUTS for slab in slabs(plane) if slab.split == "test"}
        assert {row["group"] for row in rows["coarse"]} <= test_slabs


def test_each_target_differs_in_what_it_says(written):
    name, folder, rows = written
    seen = {domain: pictures(folder, of_domain) for domain, of_domain in rows.items()}
    if name == "leaf-morphology-domains":
        corner = {domain: images[:, :6, :6].mean(axis=(0, 1, 2)) for domain, images in seen.items()}
        assert corner["flatbed"].min() > 230
        assert corner["autumn"].min() > 230
        assert corner["meadow"].argmax() == 1, "grass is green"
        assert corner["phone"].max() < corner["flatbed"].min(), "corners are dark"
        assert {row["colour"] for row in rows["flatbed"]} == {"green", "dark green"}
        assert {row["colour"] for row in rows["autumn"]} <= {"yellow", "red", "purple"}
        damaged = {domain: np.mean([row["damaged"] == "yes" for row in rows[domain]]) for domain in rows}
        assert damaged["autumn"] > 3 * damaged["flatbed"]
    elif name == "mri-planes-domains":
        edge = {domain: images[:, :, 1:] - images[:, :, :-1] for domain, images in seen.items()}
        rough = {domain: np.abs(each[:, :8]).mean() for domain, each in edge.items()}  # Outside of the head.
        assert rough["low-field"] > 3 * rough["clinic"]
        assert np.square(edge["coarse"]).mean() < 0.8 * np.square(edge["clinic"]).mean()
        sides = {
            domain: np.abs(images[:, :32].mean((1, 2, 3)) - images[:, 32:].mean((1, 2, 3)))
            for domain, images in seen.items()
        }
        assert sides["surface-coil"].mean() > 1.2 * sides["clinic"].mean()
    else:
        assert seen["evening"].mean() < 0.6 * seen["bench"].mean()
        assert min(int(row["objects"]) for row in rows["clutter"]) >= 6
        room = {domain: images[:, 0].std(axis=(1, 2)) < 6 for domain, images in seen.items()}
        assert room["low-camera"].mean() > room["bench"].mean(), "the room is seen above the table"


def test_the_same_seed_writes_the_same_files(written, tmp_path):
    name, folder, _ = written
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        GENERATE[name](tmp_path / str(seed), seed=seed, **SMALL[name])
    assert content_checksum(tmp_path / "1") == content_checksum(folder)
    assert content_checksum(tmp_path / "2") != content_checksum(folder)


@pytest.mark.parametrize("name", SMALL)
def test_its_card_trains_on_the_source_and_keeps_half_of_the_targets_unlabelled(name, tmp_path):
    options = "\n".join(f"{key} = {json.dumps(value)}" for key, value in SMALL[name].items())
    (tmp_path / "small.toml").write_text(f'name = "small"\nextends = "{name}"\n[source.options]\n{options}\n')
    dataset = open_dataset(str(tmp_path / "small.toml"), Settings(cache=tmp_path / "cache"))
    source, *targets = DOMAINS[name]
    assert dataset.source_domains == (source,)
    assert set(dataset.domains(dataset.rows("val"))) == {source}
    assert set(dataset.domains(dataset.rows("test"))) == {source, *targets}
    pool = dataset.unlabelled_rows
    assert set(dataset.domains(pool)) <= set(targets)
    tested = [domain for domain in dataset.domains(dataset.rows("test")) if domain != source]
    assert len(pool) == pytest.approx(len(tested), rel=0.5)
    assert not set(pool) & set(dataset.rows("test"))
