"""Groups that stand in the names of images: frames of one video stay together."""

import json

import pytest

from workbench.datasets import open_card, parse_card
from workbench.errors import CardError, DataError

PATTERN = r"(clip\d+)_"


@pytest.fixture
def frames(tmp_path, jpeg):
    """`video/` with 8 clips of 6 frames, of a cup and of a box in turn."""
    for clip in range(8):
        folder = tmp_path / "video" / ("cup", "box")[clip % 2]
        folder.mkdir(parents=True, exist_ok=True)
        for frame in range(6):
            (folder / f"clip{clip}_{frame:04}.jpg").write_bytes(jpeg(10 * clip + frame))
    return tmp_path / "video"


def card(pattern=PATTERN, columns='label = "label"', splits="", source='type = "folder"\npath = "video"'):
    return parse_card(
        f"name = 'x'\n[source]\n{source}\n[columns]\n{columns}\n[splits]\ngroup_pattern = '{pattern}'\n{splits}",
        "x.toml",
    )


def clips_by_split(dataset):
    return {
        split: {name.split("/")[1].partition("_")[0] for name in dataset.ids(dataset.rows(split))}
        for split in ("train", "val", "test")
    }


@pytest.mark.parametrize("seed", range(5))
def test_frames_of_a_clip_stay_in_one_split(frames, settings, seed):
    dataset = open_card(card(splits=f"seed = {seed}"), frames.parent, settings)
    clips = clips_by_split(dataset)
    assert sum(map(len, clips.values())) == len(set.union(*clips.values())) == 8
    assert all(clips.values())
    assert set(dataset.group_names(range(48))) == {f"clip{i}" for i in range(8)}
    assert "splits.group_pattern finds 8 groups in the names of 48 images." in dataset.notes
    # Without groups some clip is divided.
    plain = open_card(parse_card('name="x"\n[source]\ntype="folder"\npath="video"', "x"), frames.parent, settings)
    assert sum(map(len, clips_by_split(plain).values())) > 8


def test_several_parts_together_name_the_group(frames, settings):
    dataset = open_card(card(r"^(\w+)/clip\d+_(\d+)"), frames.parent, settings)
    assert set(dataset.group_names(range(48))) == {f"{kind}/{i:04}" for kind in ("cup", "box") for i in range(6)}


def test_names_that_do_not_match_are_counted(frames, settings):
    (frames / "cup" / "clip0_0000.jpg").rename(frames / "cup" / "poster.jpg")
    dataset = open_card(card(), frames.parent, settings)
    assert "1 of 48 names do not match splits.group_pattern (cup/poster.jpg)." in dataset.notes
    assert "1 of 48 images have no group; each of them counts as a group of its own." in dataset.notes


def test_a_pattern_that_keeps_nothing_together_is_said(frames, settings):
    dataset = open_card(card(r"(clip\d+_\d+)"), frames.parent, settings)
    assert any("a group of its own, so that nothing is kept together" in note for note in dataset.notes)


def test_a_pattern_that_matches_nothing_shows_a_name(frames, settings):
    with pytest.raises(
        DataError, match=r"'\(ride_\.\+\)' finds a group in none of the 48 names; the first is 'box/clip1"
    ):
        open_card(card("(ride_.+)"), frames.parent, settings)


def test_part_that_may_be_empty_is_no_match(frames, settings):
    with pytest.raises(DataError, match=r"in none of the 48 names"):
        open_card(card("(ride)?clip"), frames.parent, settings)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pattern": "(clip"}, r"splits\.group_pattern: '\(clip' is no regular expression \(missing \), unterminated"),
        ({"pattern": "clip[0-9]+"}, r"splits\.group_pattern: .* no part in parentheses; put what names it into"),
        ({"pattern": "(a{99999999999999})"}, r"is no regular expression \(the repetition number is too large"),
        ({"columns": 'label = "label"\ngroup = "clip"'}, r"columns\.group and splits\.group_pattern are two ways"),
        ({"splits": 'by = "class"'}, r"splits: .*a class is a group; take splits\.group_pattern out"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(values, message):
    with pytest.raises(CardError, match=message):
        card(**values)


def test_the_id_is_searched_where_a_table_has_one(tmp_path, jpeg, settings):
    rows = [{"file_name": f"{i}.jpg", "label": "ab"[i % 2], "key": f"tree{i // 4}-{i}"} for i in range(32)]
    (tmp_path / "video").mkdir()
    for i in range(32):
        (tmp_path / "video" / f"{i}.jpg").write_bytes(jpeg(i))
    (tmp_path / "video" / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    dataset = open_card(card(r"(tree\d+)", 'label = "label"\nid = "key"'), tmp_path, settings)
    assert set(dataset.group_names(range(32))) == {f"tree{i}" for i in range(8)}


def test_a_changed_pattern_is_another_state(frames, settings):
    by_clip = open_card(card(), frames.parent, settings)
    by_frame = open_card(card(r"clip\d+_(\d+)"), frames.parent, settings)
    assert by_clip.fingerprint != by_frame.fingerprint
    assert open_card(card(), frames.parent, settings).fingerprint == by_clip.fingerprint
