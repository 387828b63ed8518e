"""Names, card files and folders as dataset arguments; the card that a folder gets."""

import pytest

from workbench.datasets import card_for_folder, card_to_toml, open_dataset, parse_card, resolve_card
from workbench.errors import CardError, DataError, UnknownNameError


def test_class_folders(class_folders, settings):
    dataset = open_dataset(str(class_folders), settings)
    assert dataset.card.name == "flora"
    assert dataset.class_keys == ("oak", "schöne Linde", "silver_birch")
    assert dataset.class_names == ("oak", "schöne Linde", "silver birch")
    assert {split: len(dataset.rows(split)) for split in ("train", "val", "test")} == {
        "train": 41,
        "val": 7,
        "test": 12,
    }
    for row in range(len(dataset)):
        name = dataset.ids([row])[0]
        assert dataset.read(row) == (class_folders / name).read_bytes()
        assert dataset.class_keys[dataset.labels([row])[0]] == name.split("/")[0]


def test_split_folders_with_usual_names_and_nested_classes(tmp_path, jpeg, settings):
    for s, (split, n) in enumerate((("training", 6), ("valid", 2), ("TEST", 4))):
        for c, name in enumerate(("red apple/ripe", "pear")):
            folder = tmp_path / "fruit" / split / name
            folder.mkdir(parents=True)
            for i in range(n):
                (folder / f"{i}.PNG").write_bytes(jpeg(1000 * s + 100 * c + i, kind="PNG"))
            (folder / ".hidden.png").write_bytes(b"no image")
            (folder / "Thumbs.db").write_bytes(b"no image")
    dataset = open_dataset(str(tmp_path / "fruit"), settings)
    assert {split: len(dataset.rows(split)) for split in ("train", "val", "test")} == {"train": 12, "val": 4, "test": 8}
    assert dataset.class_names == ("pear", "red apple")
    assert dataset.notes == ()


def test_a_class_may_be_called_train(tmp_path, jpeg, settings):
    for c, name in enumerate(("train", "bus", "ferry")):
        (tmp_path / "traffic" / name).mkdir(parents=True)
        for i in range(5):
            (tmp_path / "traffic" / name / f"{i}.jpg").write_bytes(jpeg(10 * c + i))
    assert open_dataset(str(tmp_path / "traffic"), settings).class_names == ("bus", "ferry", "train")


def test_a_card_file_finds_its_folder_beside_itself(class_folders, settings, tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text(
        'name = "mine"\n[source]\ntype = "folder"\npath = "flora"\n[splits]\ntest_fraction = 0.5\n', "utf-8"
    )
    dataset = open_dataset(str(card), settings)
    assert dataset.name == "mine"
    assert len(dataset.rows("test")) == 30


def test_the_printed_card_of_a_folder_opens_the_same_dataset(class_folders, settings, tmp_path):
    text = card_to_toml(card_for_folder(class_folders))
    (tmp_path / "printed.toml").write_text(text, encoding="utf-8")
    assert "#" in text
    by_card, by_folder = (open_dataset(str(p), settings) for p in (tmp_path / "printed.toml", class_folders))
    assert by_card.fingerprint == by_folder.fingerprint
    assert by_card.card == by_folder.card


def test_underscores_stay_where_names_would_collide(tmp_path, jpeg):
    for name in ("a_b", "a b"):
        (tmp_path / "x" / name).mkdir(parents=True)
    assert card_for_folder(tmp_path / "x").classes == {"a b": "a b", "a_b": "a_b"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root, "expected class sub-folders"),
        (lambda root: (root / "a.jpg").write_bytes(b""), "expected class sub-folders"),
        (lambda root: (root / "empty class").mkdir(), "no images found"),
        (lambda root: (root / "metadata.csv").write_text("image,label\n"), "no column 'file_name'"),
        (lambda root: (root / "metadata.csv").write_text("file_name,lable\na.jpg,x\n"), "'label' or 'caption'.*lable"),
    ],
)
def test_folders_that_are_no_dataset_say_what_was_expected(tmp_path, settings, make, message):
    root = tmp_path / "odd"
    root.mkdir()
    make(root)
    with pytest.raises(DataError, match=message):
        open_dataset(str(root), settings)


def test_an_empty_class_folder_is_a_class_and_is_noted(class_folders, settings):
    (class_folders / "unicorn tree").mkdir()
    dataset = open_dataset(str(class_folders), settings)
    assert "unicorn tree" in dataset.class_names
    assert "1 of 4 classes have no image: unicorn tree." in dataset.notes


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ("mri-plane", UnknownNameError, "Did you mean 'mri-planes'"),
        ("zzzz-nothing", UnknownNameError, "workbench list datasets"),
        ("no/such/folder", DataError, "no such folder"),
        ("./here", DataError, "no such folder"),
        ("missing.toml", CardError, "missing.toml: cannot be read"),
    ],
)
def test_wrong_arguments(tmp_path, settings, monkeypatch, argument, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        open_dataset(argument, settings)


def test_a_file_that_is_no_card_is_refused(tmp_path, settings):
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match="expected a registered name, a folder, or a card file"):
        open_dataset(str(tmp_path / "a.jpg"), settings)


def test_a_registered_name_wins_over_a_folder_here(plugin, class_folders, monkeypatch):
    plugin({"flora": "herbarium"}, {"herbarium/flora.toml": 'name = "flora"\n[source]\ntype = "folder"\npath = "x"\n'})
    monkeypatch.chdir(class_folders.parent)
    assert resolve_card("flora")[0].source.path == "x"
    assert resolve_card("./flora")[0].source.path == str(class_folders)


HEAD = 'name = "x"\n'
SOURCE = '[source]\ntype = "folder"\npath = "x"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + 'licnce = "MIT"\n' + SOURCE, r"card\.toml: unknown key 'licnce'\. Did you mean 'licence'"),
        (HEAD + SOURCE + '[columns]\nlabl = "x"', r"unknown key 'columns\.labl'\. Did you mean 'label'"),
        (HEAD + 'primary_metric = "acuracy"\n' + SOURCE, r"card\.toml: primary_metric 'acuracy' .* mean 'accuracy'"),
        (
            HEAD + 'task = "retrieval"\nprimary_metric = "accuracy"\n' + SOURCE + '[columns]\ncaption = "c"',
            r"primary_metric 'accuracy' is not measured on this dataset.* text_to_image_recall_at_1",
        ),
        (HEAD + SOURCE + 'pth = "x"', r"unknown key 'source\.pth'\. Did you mean 'path'"),
        (HEAD + SOURCE + '[prompts]\ntemplates = ["a photo"]', r"prompts\.templates: every template needs"),
        (HEAD + SOURCE + '[splits]\nval = "dev"\ntest = "dev"', r"splits: 'dev' is named for two splits"),
        (HEAD + 'task = "segmentation"\n' + SOURCE, r"task: .*classification"),
        (HEAD + "[source", r"card\.toml: not valid TOML"),
        (SOURCE, r"card\.toml: name: Field required"),
    ],
)
def test_typos_in_a_card_name_file_and_key(tmp_path, settings, text, message):
    (tmp_path / "card.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=message):
        open_dataset(str(tmp_path / "card.toml"), settings)


@pytest.mark.parametrize(
    ("task", "columns", "metric"),
    [
        ("classification", "", "accuracy"),
        ("retrieval", 'caption = "c"', "text_to_image_recall_at_1"),
        ("captioning", 'caption = "c"', "cider"),
        ("matching", 'caption = "c"\nlabel = "l"', "accuracy"),
        ("matching", 'caption = "c"\npair = "p"', "group_score"),
    ],
)
def test_a_card_that_names_no_metric_has_the_tasks_own(task, columns, metric):
    text = f'{HEAD}task = "{task}"\n{SOURCE}[columns]\n{columns}\n'
    assert parse_card(text, "card.toml").primary_metric == metric
