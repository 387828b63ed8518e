"""Tables with a column for each finding, and classes that a card joins or leaves out."""

import numpy as np
import pytest

from workbench.datasets import card_to_toml, open_card, parse_card
from workbench.errors import CardError, DataError

FINDINGS = ["Atelectasis", "Edema", "Effusion"]
CHEST = """
name = "chest"
multi_label = true
[source]
type = "csv"
path = "chest.csv"
[columns]
image = "Path"
group = "patient"
labels = ["Atelectasis", "Edema", "Effusion"]
"""
SINGLE = 'name = "leaves"\n[source]\ntype = "csv"\npath = "leaves.csv"\n[columns]\nlabel = "label"\n'


@pytest.fixture
def chest(tmp_path, jpeg, settings):
    """Writes cells of findings, one row an image, and opens them with further lines of the card."""

    def make(rows, extra="", text=CHEST):
        lines = ["Path,patient,Sex," + ",".join(FINDINGS)]
        for i, row in enumerate(rows):
            (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
            lines.append(f"{i}.jpg,p{i},F,{row}")
        (tmp_path / "chest.csv").write_text("\n".join(lines), encoding="utf-8")
        return open_card(parse_card(text + extra, "x.toml"), tmp_path, settings)

    return make


def findings(dataset):
    rows = range(len(dataset))
    labels = dataset.labels(rows).tolist()
    return dict(sorted(zip(dataset.ids(rows), labels, strict=True)))


CELLS = ["1.0,0.0,1", "0,-1.0,0", ",1.0,0", "0.0,,1", "1,1,true", "0,0,false"]


@pytest.mark.parametrize(
    ("uncertain", "missing", "expected"),
    [
        ("positive", "negative", {0: [1, 0, 1], 1: [0, 1, 0], 2: [0, 1, 0], 3: [0, 0, 1], 4: [1, 1, 1], 5: [0, 0, 0]}),
        ("negative", "leave-out", {0: [1, 0, 1], 1: [0, 0, 0], 4: [1, 1, 1], 5: [0, 0, 0]}),
        ("leave-out", "leave-out", {0: [1, 0, 1], 4: [1, 1, 1], 5: [0, 0, 0]}),
    ],
)
def test_a_column_each_finding(chest, uncertain, missing, expected):
    dataset = chest(CELLS, f'[labels]\nuncertain = "{uncertain}"\nmissing = "{missing}"\n')
    assert dataset.class_names == tuple(FINDINGS)
    assert findings(dataset) == {f"{i}.jpg": [bool(own) for own in row] for i, row in expected.items()}
    assert all(set(row) == {"Sex"} for row in dataset.extra(range(len(dataset))))
    if uncertain == "positive":
        assert any("1 uncertain findings count as positive" in note for note in dataset.notes)
        assert any("2 missing findings count as negative" in note for note in dataset.notes)
    else:
        assert any(
            f"{6 - len(expected)} images with a finding that is uncertain or missing" in n for n in dataset.notes
        )


def test_findings_that_are_not_known_are_masked(chest, tmp_path, settings):
    dataset = chest([*CELLS, ",,-1"], '[labels]\nuncertain = "ignore"\n')
    nan = np.nan
    expected = [[1, 0, 1], [0, nan, 0], [nan, 1, 0], [0, nan, 1], [1, 1, 1], [0, 0, 0]]
    np.testing.assert_array_equal(list(findings(dataset).values()), expected)
    assert "1 images of which no finding is known are left out." in dataset.notes
    assert "1 uncertain findings are left out of losses and metrics." in dataset.notes
    assert "2 missing findings are left out of losses and metrics." in dataset.notes
    assert sum(dataset.class_counts(split) for split in ("train", "val", "test")).tolist() == [2, 2, 3]
    # It is read from the cache as it was listed, and is another dataset than one of negatives.
    again = open_card(parse_card(CHEST + '[labels]\nuncertain = "ignore"\n', "x.toml"), tmp_path, settings)
    assert again.manifest.hashed == 0
    np.testing.assert_array_equal(list(findings(again).values()), expected)
    negative = chest([*CELLS, ",,-1"], '[labels]\nuncertain = "negative"\nmissing = "negative"\n')
    assert negative.labels(range(len(negative))).dtype == np.bool_
    assert negative.fingerprint != dataset.fingerprint


def test_of_joined_findings_a_positive_one_decides(chest):
    rows = ["1,,0", ",0,0", "0,0,1", ",,0", "0,1,"]
    dataset = chest(rows, '[labels]\nmerge = { opacity = ["Atelectasis", "Edema"] }\n')
    assert dataset.class_names == ("opacity", "Effusion")
    nan = np.nan
    np.testing.assert_array_equal(list(findings(dataset).values()), [[1, 0], [nan, 0], [0, 1], [nan, 0], [1, nan]])


def test_a_finding_that_no_image_has_is_a_class_all_the_same(chest):
    dataset = chest(["1,0,0"] * 3 + ["0,1,0"] * 3)
    assert dataset.class_names == tuple(FINDINGS)
    assert any("1 of 3 classes have no image: Effusion" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("cells", "extra", "words"),
    [
        ("0,-1,0", "", "1.jpg: column 'Edema' is uncertain (-1); say in [labels] of the card what that counts as: "
                       "uncertain = 'ignore' or 'positive' or 'negative' or 'leave-out'"),
        ("0,maybe,0", "", "1.jpg: column 'Edema' holds 'maybe'; a finding is 1, 0, -1 (uncertain) or empty."),
        ("0,2,0", "", "column 'Edema' holds '2'"),
        ("0,1,0", '[labels]\ndrop = ["Oedema"]\n', "labels.drop of the card names 'Oedema', which no image has."),
        ("0,1,0", f"[labels]\nexclude = {FINDINGS[:2]}\n", "[labels] of the card leaves no image"),
    ],
)  # fmt: skip
def test_what_the_card_does_not_settle_is_refused(chest, cells, extra, words):
    with pytest.raises(DataError) as raised:
        chest(["1,0,0", cells], extra)
    assert words in str(raised.value)


def test_a_column_that_is_not_there_is_named(chest):
    with pytest.raises(DataError, match=r"no column 'Oedema', which columns\.labels.* Did you mean 'Edema'"):
        chest(["1,0,0"], text=CHEST.replace('"Edema"', '"Oedema"'))


def test_classes_are_dropped_joined_and_left_out(chest):
    rows = ["1,0,0", "0,1,0", "0,0,1", "1,1,0", "0,1,1", "0,0,0"]
    dataset = chest(rows, '[labels]\nexclude = ["Effusion"]\nmerge = { opacity = ["Atelectasis", "Edema"] }\n')
    assert dataset.class_names == ("opacity",)
    assert findings(dataset) == {"0.jpg": [True], "1.jpg": [True], "3.jpg": [True], "5.jpg": [False]}
    dropped = chest(rows, '[labels]\ndrop = ["Effusion"]\n')
    assert dropped.class_names == ("Atelectasis", "Edema")
    assert len(dropped) == 6
    assert dropped.fingerprint != dataset.fingerprint


def test_one_label_an_image_is_joined_and_left_out(tmp_path, jpeg, settings):
    lines = ["file_name,label"]
    for i in range(40):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
        lines.append(f"{i}.jpg,{('rust', 'scab', 'healthy', 'blurred')[i % 4]}")
    (tmp_path / "leaves.csv").write_text("\n".join(lines), encoding="utf-8")
    rules = '[labels]\nexclude = ["blurred"]\nmerge = { ill = ["rust", "scab"] }\n'
    card = parse_card(SINGLE + rules, "x.toml")
    dataset = open_card(card, tmp_path, settings)
    assert (dataset.class_names, len(dataset)) == (("healthy", "ill"), 30)
    assert any("10 images of blurred are left out" in note for note in dataset.notes)
    assert parse_card(card_to_toml(card), "y.toml") == card


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CHEST.replace("multi_label = true\n", ""), "set multi_label = true"),
        (CHEST + 'label = "x"\n', "columns.label and columns.labels"),
        (CHEST + '[labels]\nuncertain = "maybe"\n', "labels.uncertain"),
        (SINGLE + '[labels]\nmissing = "negative"\n', "name these in columns.labels"),
        (SINGLE + '[labels]\ndrop = ["a"]\n', "labels.exclude leaves images out"),
        (SINGLE + '[labels]\nmerge = { a = ["b"], c = ["b"] }\n', "'b' is merged into two labels"),
    ],
)
def test_cards_that_contradict_themselves_are_refused(text, words):
    with pytest.raises(CardError, match=r"x\.toml") as raised:
        parse_card(text, "x.toml")
    assert words in str(raised.value)


def test_labels_are_bool_of_all_findings(chest):
    assert chest(["1,0,0", "0,1,1"]).labels(range(2)).dtype == np.bool_


def multi_hot(tmp_path, jpeg, settings, cells, more="multi_hot = true", classes='a = "ant"\nb = "bee"\nc = "cat"'):
    rows = [f'{i}.jpg,"{cell}"' for i, cell in enumerate(cells)]
    for i in range(len(cells)):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
    (tmp_path / "t.csv").write_text("file_name,label\n" + "\n".join(rows))
    source = 'name = "t"\nmulti_label = true\n[source]\ntype = "csv"\npath = "t.csv"\n[columns]\nlabel = "label"\n'
    text = f"{source}[labels]\n{more}\n" + (f"[classes]\n{classes}\n" if classes else "")
    return open_card(parse_card(text, "x.toml"), tmp_path, settings)


def test_lists_of_0_and_1_name_classes_in_their_order(tmp_path, jpeg, settings):
    dataset = multi_hot(tmp_path, jpeg, settings, ["[0, 1, 1]", "[1, 0, 0]", "[0, 0, 0]", "[1.0, 0.0, 1.0]"])
    assert findings(dataset) == {
        "0.jpg": [False, True, True], "1.jpg": [True, False, False], "2.jpg": [False] * 3, "3.jpg": [True, False, True],
    }  # fmt: skip
    for wrong in ("[0, 1]", "[0, 2, 1]", "ant", "[a, b, c]"):
        with pytest.raises(DataError, match="promises a list of 3 numbers, 0 or 1, one for each of"):
            multi_hot(tmp_path, jpeg, settings, ["[0, 1, 1]", wrong])
    with pytest.raises(CardError, match=r"labels\.multi_hot reads a list of 0 and 1; it needs multi_label"):
        multi_hot(tmp_path, jpeg, settings, ["[0, 1, 1]"], classes="")
