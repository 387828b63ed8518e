"""Duplicates across splits, the groups that they make, and splits made by those."""

import csv
import itertools
import json
from collections import defaultdict
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.datasets.planted_thumbnails import copied, thumbnails
from workbench.cli import main
from workbench.datasets import check_dataset, open_card, open_dataset, parse_card, read_card
from workbench.datasets._near_pairs import near_pairs
from workbench.datasets.card_writing import card_to_toml, without_absolute_paths
from workbench.datasets.duplicates import Chains, find_duplicates, groups_of
from workbench.errors import DataError


def picture(seed: int, frame: int = 0) -> bytes:
    """A picture in class a or b; its frames differ in brightness alone."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    ImageEnhance.Brightness(image).enhance(1 - 0.02 * frame).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def video(tmp_path):
    """`video/`: 12 scenes of 5 frames, whose frames stand in train, val and test."""
    root = tmp_path / "video"
    for scene, frame in itertools.product(range(12), range(5)):
        folder = root / ("train", "train", "train", "val", "test")[frame] / "ab"[scene % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{scene}-{frame}.png").write_bytes(picture(scene, frame))
    return root


def check(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["check", *map(str, arguments)])
    return stopped.value.code, *capsys.readouterr()


def scenes_of(groups: dict[str, str]) -> dict[str, set[str]]:
    scenes = defaultdict(set)
    for image, group in groups.items():
        scenes[group].add(image.rpartition("/")[2].partition("-")[0])
    return scenes


def naive(contents, small, split):
    """Matches and the number of pairs, one pair at a time."""
    alike = {tuple(sorted(pair)) for i, j, _ in near_pairs(small, 0.99) for pair in zip(i, j, strict=True)}
    count, match = 0, defaultdict(set)
    for i, j in itertools.combinations(range(len(small)), 2):
        equal = contents[i] == contents[j]
        if split[i] == split[j] or not (equal or (i, j) in alike):
            continue
        count += not equal
        late, early = (i, j) if split[i] > split[j] else (j, i)
        match[late].add(early)
    return count, match


def test_matches_and_counts_are_those_of_looking_at_every_pair():
    rng = np.random.default_rng(0)
    base = thumbnails(60)
    small = np.concatenate([base, copied(base), copied(base, 1)])
    small = np.concatenate([small, small[rng.integers(0, len(small), 60)]])
    _, number = np.unique(small, axis=0, return_inverse=True)
    contents = np.zeros((len(small), 32), dtype=np.uint8)
    contents[:, 0] = number.reshape(-1) + 1
    split = rng.integers(0, 3, len(small))
    found = find_duplicates(contents, small, np.ones(len(small), dtype=np.bool_), split)
    count, match = naive(number.reshape(-1).tolist(), small, split)
    assert found.pair_count == count
    assert set(np.flatnonzero(found.match >= 0)) == set(match)
    for row in match:
        assert found.match[row] in match[row]
        assert split[found.match[row]] == min(split[list(match[row])])
    for i, j, alike in found.pairs:
        assert split[i] < split[j]
        assert np.corrcoef(small[i], small[j])[0, 1] == pytest.approx(alike)


def test_chains_join_as_a_search_through_the_links_does():
    rng = np.random.default_rng(1)
    links = rng.integers(0, 80, (60, 2))
    chains = Chains(80)
    for part in np.array_split(links, 7):
        chains.join(part[:, 0], part[:, 1])
        chains.labels()
    labels = chains.labels()
    for start in range(80):
        reached, front = {start}, [start]
        while front:
            here = front.pop()
            new = {int(b) for a, b in (*links, *links[:, ::-1]) if a == here} - reached
            reached |= new
            front += new
        assert set(np.flatnonzero(labels == labels[start])) == reached


def test_groups_of_the_card_join_with_duplicates():
    assert groups_of(np.array([7, 7, 3, 4, 5]), [None, "x", "x", None, "y"]) == ["1", "1", "1", "2", "3"]
    assert groups_of(np.array([], dtype=np.int64), []) == []


def test_images_that_cannot_be_read_are_in_no_pair():
    small = np.repeat(thumbnails(1), 4, axis=0)
    contents = np.zeros((4, 32), dtype=np.uint8)
    contents[1:, 0] = (1, 1, 2)
    found = find_duplicates(contents, small, np.array([True, True, False, True]), np.array([0, 0, 1, 2]))
    assert found.match.tolist() == [-1, -1, -1, 1]
    assert len(set(found.component.tolist())) == 3


def test_frames_of_a_scene_become_a_group_and_splits_keep_them_together(video, settings, tmp_path, capsys):
    """The whole way: check writes groups, a card names them, and made splits divide no scene."""
    report = check_dataset(open_dataset(str(video), settings))
    assert report.near_duplicate_count == 12 * (3 + 3 + 1)
    table = tmp_path / "groups.csv"
    code, _, err = check(capsys, video, "--group-duplicates", table)
    assert code == 1  # The pairs themselves are a finding.
    assert "12 groups, 12 of several images (the largest of 5)" in err
    with table.open(encoding="utf-8", newline="") as file:
        groups = {row["id"]: row["group"] for row in csv.DictReader(file)}
    assert len(groups) == 60
    assert all(len(scenes) == 1 for scenes in scenes_of(groups).values())
    card = tmp_path / "video.toml"
    card.write_text(
        'name = "video"\n[source]\ntype = "folder"\npath = "video"\n[splits]\ngroups = "groups.csv"\nby = "group"\n',
        encoding="utf-8",
    )
    dataset = open_dataset(str(card), settings)
    assert "those of the source are not used: test, train, val" in " ".join(dataset.notes)
    scenes = {
        split: {name.rpartition("/")[2].partition("-")[0] for name in dataset.ids(dataset.rows(split))}
        for split in ("train", "val", "test")
    }
    assert sorted(itertools.chain(*scenes.values()), key=int) == [str(scene) for scene in range(12)]
    assert check_dataset(dataset).near_duplicate_count == 0
    # What the table says is part of the dataset's state; who wrote it is not.
    before = dataset.fingerprint
    table.write_text("id,group\n" + "".join(f"{name},{i % 9}\n" for i, name in enumerate(groups)), encoding="utf-8")
    assert open_dataset(str(card), settings).fingerprint != before


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_every_format_that_is_written_is_read(video, settings, tmp_path, capsys, suffix):
    (video / "train" / "a" / "=1+1.png").write_bytes(picture(90))
    (video / "train" / "a" / "é.png").write_bytes(picture(91))
    (video / "train" / "a" / "e\u0301 2.png").write_bytes(picture(92))
    table = tmp_path / f"groups{suffix}"
    _, out, _ = check(capsys, video, "--group-duplicates", table, "--json")
    assert "duplicate_groups" not in json.loads(out)
    card = f'name = "v"\n[source]\ntype = "folder"\npath = "video"\n[splits]\ngroups = "{table.name}"\n'
    dataset = open_card(parse_card(card, "v.toml"), tmp_path, settings)
    assert not [note for note in dataset.notes if "group" in note and "more than one split" not in note]
    assert all(dataset.group_names(range(len(dataset))))


def test_a_group_table_in_the_datasets_own_folder_is_no_unread_file(video, settings, tmp_path, capsys):
    check(capsys, video, "--group-duplicates", video / "groups.csv")
    assert "Not read: groups.csv" in " ".join(open_dataset(str(video), settings).notes)
    card = 'name = "v"\n[source]\ntype = "folder"\npath = "video"\n[splits]\ngroups = "groups.csv"\n'
    assert "Not read" not in " ".join(open_card(parse_card(card, "v.toml"), tmp_path, settings).notes)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("image,group\nx,1\n", "expected the columns id and group"),
        ("id,group\nx,1\n", "names none of its 60 images"),
        ("id,group\ntest/a/0-4.png,1\ntest/a/0-4.png,2\n", "has two groups, '1' and '2'"),
    ],
)
def test_a_group_table_of_something_else_is_refused(video, settings, tmp_path, table, expected):
    (tmp_path / "g.csv").write_text(table, encoding="utf-8")
    card = 'name = "v"\n[source]\ntype = "folder"\npath = "video"\n[splits]\ngroups = "g.csv"\n'
    with pytest.raises(DataError, match=expected):
        open_card(parse_card(card, "v.toml"), tmp_path, settings)


def test_splits_by_group_need_groups(video, settings, tmp_path):
    card = 'name = "v"\n[source]\ntype = "folder"\npath = "video"\n[splits]\nby = "group"\n'
    with pytest.raises(DataError, match="no image has a group"):
        open_card(parse_card(card, "v.toml"), tmp_path, settings)


def test_rows_of_the_table_that_name_no_image_are_counted(video, settings, tmp_path):
    (tmp_path / "g.csv").write_text("id,group\ntest/a/0-4.png,1\ngone.png,1\n", encoding="utf-8")
    card = 'name = "v"\n[source]\ntype = "folder"\npath = "video"\n[splits]\ngroups = "g.csv"\n'
    notes = open_card(parse_card(card, "v.toml"), tmp_path, settings).notes
    assert "1 row of g.csv name no image of this dataset, such as gone.png." in notes
    assert "59 of 60 images have no group; each of them counts as a group of its own." in notes


def test_the_card_is_recorded_without_the_tables_place(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'name = "v"\n[source]\ntype = "folder"\npath = "video"\n[splits]\ngroups = "/secret/place/g.csv"\n'
        '[prompts]\ndescriptions_file = "/secret/place/d.csv"\n',
        encoding="utf-8",
    )
    recorded = card_to_toml(without_absolute_paths(read_card(path)))
    assert "secret" not in recorded
    assert 'groups = "g.csv"' in recorded


def test_another_suffix_is_refused_before_the_work(video, tmp_path, capsys):
    code, out, err = check(capsys, video, "--group-duplicates", tmp_path / "groups.txt")
    assert (code, out) == (2, "")
    assert "its name must end in .csv, .tsv, .jsonl" in err


def test_a_descriptions_file_that_the_card_names_is_no_unread_file(video, settings, tmp_path):
    (video / "words.csv").write_text("label,text\na,an a\n", encoding="utf-8")
    card = 'name = "v"\n[source]\ntype = "folder"\npath = "video"\n'
    assert "Not read: words.csv" in " ".join(open_card(parse_card(card, "v.toml"), tmp_path, settings).notes)
    card += '[prompts]\ndescriptions_file = "words.csv"\n'
    assert "Not read" not in " ".join(open_card(parse_card(card, "v.toml"), tmp_path, settings).notes)
