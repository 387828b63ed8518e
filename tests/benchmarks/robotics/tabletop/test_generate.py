import json
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("trimesh", reason="tabletop needs the quickstart extra")
pytest.importorskip("embreex", reason="tabletop needs the quickstart extra")

from benchmarks.robotics.tabletop import generate
from benchmarks.robotics.tabletop.objects import COLOURS, KINDS, SIZES
from workbench.datasets.sources.generator import content_checksum

SIZE = 80
NOUN = rf"(?:({'|'.join(SIZES)}) )?(?:({'|'.join(COLOURS)}) )?({'|'.join(KINDS)}|object)"
RELATIONS = {
    "to the left of": "left of",
    "to the right of": "right of",
    "in front of": "in front of",
    "behind": "behind",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tabletop")
    generate(path, size=SIZE, scenes=8, views=2)
    return path


@pytest.fixture(scope="module")
def rows(folder):
    lines = (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def fitting(row, size, colour, kind):
    """Indices of the stored objects that a noun phrase names; read from the text alone."""
    wanted = {"size": size, "colour": colour, "kind": None if kind == "object" else kind}
    return [
        i
        for i, thing in enumerate(row["objects"])
        if all(value is None or thing[key] == value for key, value in wanted.items())
    ]


def centre(thing):
    return (thing["box"][0] + thing["box"][2]) / 2


def is_true(row, i, relation, j):
    one, other = row["objects"][i], row["objects"][j]
    return {
        "left of": centre(one) < centre(other),
        "right of": centre(one) > centre(other),
        "in front of": one["depth"] < other["depth"],
        "behind": one["depth"] > other["depth"],
    }[relation]


def test_classes_are_balanced_in_every_split(rows):
    counts = Counter((row["split"], row["label"]) for row in rows)
    for split, scenes in (("train", 4), ("val", 1), ("test", 3)):
        assert {kind: counts[split, kind] for kind in KINDS} == dict.fromkeys(KINDS, 2 * scenes)


def test_views_of_a_scene_share_split_and_objects(rows):
    scenes = defaultdict(set)
    for row in rows:
        things = tuple((thing["kind"], thing["colour"], thing["size"]) for thing in row["objects"])
        scenes[row["group"]].add((row["split"], row["label"], row["table"], things))
    assert len(scenes) == 8 * len(KINDS)
    assert all(len(found) == 1 for found in scenes.values())


def test_label_is_the_kind_of_the_object_in_the_middle(rows):
    for row in rows:
        left, top, right, bottom = row["objects"][0]["box"]
        assert row["objects"][0]["kind"] == row["label"]
        slack = 0.15 * SIZE
        assert left - slack < SIZE / 2 < right + slack
        assert top - slack < SIZE / 2 < bottom + slack


def test_boxes_lie_inside_the_image(folder, rows):
    for row in rows:
        assert Image.open(folder / row["file_name"]).size == (SIZE, SIZE)
        for thing in row["objects"]:
            left, top, right, bottom = thing["box"]
            assert 0 < left < right < SIZE
            assert 0 < top < bottom < SIZE
            assert 0.5 < thing["visible"] <= 1


def test_relations_are_true_and_complete_in_both_directions(rows):
    opposite = {"left of": "right of", "right of": "left of", "in front of": "behind", "behind": "in front of"}
    for row in rows:
        found = {tuple(triple) for triple in row["relations"]}
        for i, relation, j in found:
            assert is_true(row, i, relation, j)
            assert (j, opposite[relation], i) in found


def test_first_caption_lists_all_objects_from_left_to_right(rows):
    for row in rows:
        things, _, table = row["caption"][0].rpartition(" on ")
        named = re.findall(rf"a {NOUN}", things)
        in_order = sorted(row["objects"], key=centre)
        assert named == [(thing["size"], thing["colour"], thing["kind"]) for thing in in_order]
        assert row["table"] in table


def test_other_captions_are_true(rows):
    related = 0
    for row in rows:
        *middle, last = row["caption"][1:]
        assert re.match(rf"a {NOUN} in the middle of", last).group(3) == row["label"]
        for caption in middle:
            size, colour, kind, words, *other = re.fullmatch(
                rf"a {NOUN} ({'|'.join(RELATIONS)}) a {NOUN}", caption
            ).groups()
            (i,), (j,) = fitting(row, size, colour, kind), fitting(row, *other)
            assert is_true(row, i, RELATIONS[words], j)
            related += 1
    assert related > len(rows) / 2


def test_plain_instructions_name_one_object_unless_ambiguous(rows):
    for row in rows:
        for instruction in row["instructions"]:
            match = re.fullmatch(rf"[a-z ]+? the {NOUN}", instruction["text"])
            if instruction["kind"] in {"relation", "extreme"}:
                continue
            found = fitting(row, *match.groups())
            assert found == instruction["fits"]
            if instruction["kind"] == "ambiguous":
                assert len(found) > 1
                assert instruction["answer"] is None
            else:
                assert found == [instruction["answer"]]


def test_relational_instructions_need_the_relation_and_have_one_answer(rows):
    seen = 0
    for row in rows:
        for instruction in row["instructions"]:
            if instruction["kind"] != "relation":
                continue
            size, colour, kind, words, *anchor = re.fullmatch(
                rf"[a-z ]+? the {NOUN} ({'|'.join(RELATIONS)}) the {NOUN}", instruction["text"]
            ).groups()
            (j,) = fitting(row, *anchor)
            alike = [i for i in fitting(row, size, colour, kind) if i != j]
            assert len(alike) > 1
            assert [i for i in alike if is_true(row, i, RELATIONS[words], j)] == [instruction["answer"]]
            seen += 1
    assert seen > 5


def test_extreme_instructions_name_the_extreme(rows):
    keys = {
        "leftmost": centre,
        "rightmost": lambda thing: -centre(thing),
        "closest": lambda thing: thing["depth"],
        "farthest": lambda thing: -thing["depth"],
    }
    seen = set()
    for row in rows:
        for instruction in row["instructions"]:
            if instruction["kind"] != "extreme":
                continue
            word = next(word for word in keys if word in instruction["text"])
            kind = next(kind for kind in KINDS if re.search(rf"\b{kind}\b", instruction["text"]))
            alike = fitting(row, None, None, kind)
            assert len(alike) > 1
            assert min(alike, key=lambda i: keys[word](row["objects"][i])) == instruction["answer"]
            seen.add(word)
    assert len(seen) >= 3


def test_distractors_share_kind_and_colour(rows):
    for row in rows:
        for instruction in row["instructions"]:
            if instruction["kind"] in {"distractors", "attributes"}:
                query = instruction["query"]
                crowded = (
                    len(fitting(row, None, None, query["kind"])) > 1
                    and len(fitting(row, None, query["colour"], "object")) > 1
                )
                assert crowded == (instruction["kind"] == "distractors")


def test_every_kind_of_instruction_occurs(rows):
    kinds = {instruction["kind"] for row in rows for instruction in row["instructions"]}
    assert kinds == {"kind", "colour", "attributes", "distractors", "size", "relation", "extreme", "ambiguous"}


def test_same_seed_same_files_other_seed_other_scenes(tmp_path):
    checksums = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        (tmp_path / name).mkdir()
        generate(tmp_path / name, seed=seed, size=48, scenes=1, views=1)
        checksums.append(content_checksum(tmp_path / name))
    assert checksums[0] == checksums[1] != checksums[2]


def test_pictures_are_neither_black_nor_burnt_out(folder, rows):
    for row in rows[::5]:
        pixels = np.asarray(Image.open(folder / row["file_name"]), dtype=float)
        assert 40 < pixels.mean() < 215
        assert (pixels > 252).mean() < 0.1
