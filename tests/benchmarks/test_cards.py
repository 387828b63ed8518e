"""Every card that ships is usable, registered, and says what it must."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import benchmarks
from workbench.datasets import list_cards, read_card

ROOT = Path(next(iter(benchmarks.__path__)))
LISTS = {"suites", "models", "expected"}
FILES = sorted(path for path in ROOT.glob("*/*.toml") if path.parent.name not in LISTS)
HUB = [path for path in FILES if read_card(path).source.type == "hub"]
# Of the repositories that CLIP benchmark made, with class names and templates of their own.
WDS = [path for path in FILES if path.stem.startswith("wds_")]
# With the splits that a paper hands out, and the one template that it uses.
PUBLISHED = [path for path in FILES if path.stem.startswith(("coop-", "biomedcoop-"))]
LOCAL = {"grocery-store", "chula-rbc12", "flowers102", "nlvr"}
PYPROJECT = ROOT.parent / "pyproject.toml"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_card_is_complete(path):
    card = read_card(path)
    assert card.name == path.stem
    assert card.field == path.parent.name
    for key in ("title", "description", "licence", "citation", "homepage", "protocol"):
        assert getattr(card, key), key
    # Of others the data is here, or made.
    elsewhere = path in (*HUB, *WDS, *PUBLISHED)
    assert elsewhere or card.source.type == "coco" or card.verified
    assert not (elsewhere and card.verified), "such a card counts as verified once its data has been read"
    assert len(set(card.classes.values())) == len(card.classes)
    if card.task == "classification" and path not in (*WDS, *PUBLISHED):
        assert len(set(card.prompts.templates)) >= 3
    assert all(template.count("{}") == 1 for template in card.prompts.templates)


@pytest.mark.parametrize("path", HUB, ids=lambda path: path.stem)
def test_a_hub_card_can_be_asked_for(path):
    source = read_card(path).source
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", source.id)
    # The Hub knows full commit hashes, tags and refs, but no abbreviated hashes.
    assert not re.fullmatch(r"[0-9a-f]{4,39}", source.revision or "")


@pytest.mark.parametrize("path", HUB, ids=lambda path: path.stem)
def test_class_names_are_words(path):
    card = read_card(path)
    assert not [name for name in card.classes.values() if "_" in name or name.isdecimal() or name != name.strip()]


def test_every_card_is_registered_and_every_entry_has_its_card():
    listed = {entry.name: entry for entry in list_cards() if entry.provider.startswith("clip-workbench")}
    assert set(listed) == {path.stem for path in FILES}
    assert all(entry.problem is None for entry in listed.values())


def test_six_public_sets_a_field_and_the_generated_one():
    cards = [read_card(path) for path in FILES]
    public = Counter(card.field for card in cards if card.source.type == "hub")
    calls = {(card.field, card.source.call) for card in cards if card.source.type == "generator"}
    generated = Counter(field for field, _ in calls)
    assert all(public[field] >= 6 for field in ("medical", "botany", "robotics"))
    assert generated == {"medical": 2, "botany": 2, "robotics": 2}, "each has its domains, too"
    assert {card.name for card in cards} >= LOCAL


def test_entry_points_name_the_folder_of_their_card():
    entries = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["entry-points"]["workbench.datasets"]
    assert {name: value.rpartition(".")[2] for name, value in entries.items()} == {
        path.stem: path.parent.name for path in FILES
    }


# `dataset_collection["vtab+"]` of clip_benchmark/datasets/builder.py, less voc2007_multilabel, whose labels are arrays.
VTAB_PLUS = [
    "imagenet1k",
    "imagenetv2",
    "imagenet_sketch",
    "imagenet-a",
    "imagenet-r",
    "objectnet",
    "fer2013",
    "voc2007",
    "sun397",
    "cars",
    "fgvc_aircraft",
    "mnist",
    "stl10",
    "gtsrb",
    "country211",
    "renderedsst2",
    "vtab-caltech101",
    "vtab-cifar10",
    "vtab-cifar100",
    "vtab-clevr_count_all",
    "vtab-clevr_closest_object_distance",
    "vtab-diabetic_retinopathy",
    "vtab-dmlab",
    "vtab-dsprites_label_orientation",
    "vtab-dsprites_label_x_position",
    "vtab-dtd",
    "vtab-eurosat",
    "vtab-kitti_closest_vehicle_distance",
    "vtab-flowers",
    "vtab-pets",
    "vtab-pcam",
    "vtab-resisc45",
    "vtab-smallnorb_label_azimuth",
    "vtab-smallnorb_label_elevation",
    "vtab-svhn",
]


def test_all_of_vtab_plus_has_a_card():
    assert {path.stem for path in WDS} == {f"wds_{name}" for name in (*VTAB_PLUS, "food101")}


@pytest.mark.parametrize("path", WDS, ids=lambda path: path.stem)
def test_a_card_of_clip_benchmark_names_its_repository(path):
    card = read_card(path)
    assert (card.source.type, card.source.id) == ("webdataset", f"clip-benchmark/{path.stem}")
    assert (card.columns.label, card.prompts.source, card.classes) == ("cls", "repository", {})
    assert "templates" not in card.prompts.model_fields_set
    assert re.fullmatch(r"[0-9a-f]{40}", card.source.revision or "0" * 40)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_card_with_published_splits_names_their_file(path):
    card = read_card(path)
    (file,) = card.splits.files
    assert Path(file).parts[0] == Path(card.source.path).parts[0], "the file lies with the images"
    assert re.fullmatch(r"split_(zhou_)?\w+\.json", Path(file).name)
    assert card.source.class_folder == "none"
    assert len(card.prompts.templates) == 1
