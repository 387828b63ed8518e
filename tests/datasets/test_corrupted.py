"""Test images are there corrupted, too: as domains, in the group of their image, under keys of their own."""

import numpy as np
import pytest

from workbench.datasets import check_dataset, open_card, parse_card
from workbench.datasets.card_writing import card_to_toml
from workbench.datasets.corruptions.catalogue import CORRUPTIONS
from workbench.datasets.reading import ChosenImages
from workbench.datasets.transfer import Transfer
from workbench.datasets.transferred import open_transfer
from workbench.errors import CardError, DataError
from workbench.pseudonyms import Pseudonyms

KINDS = 'kinds = ["gaussian-noise", "contrast"]\nseverities = [1, 3]'


def card(corruptions="", more=""):
    table = f"[corruptions]\n{corruptions}\n" if corruptions else ""
    return parse_card(f'name = "flora"\n{more}\n[source]\ntype = "folder"\npath = "flora"\n{table}', "flora.toml")


@pytest.fixture
def opened(class_folders, settings):
    def open_with(corruptions="", more=""):
        return open_card(card(corruptions, more), class_folders.parent, settings)

    return open_with


def test_every_test_image_is_there_in_each_way_and_train_and_validation_are_as_they_were(opened):
    plain, corrupted = opened(), opened(KINDS)
    for split in ("train", "val"):
        rows = corrupted.rows(split)
        assert corrupted.ids(rows) == plain.ids(plain.rows(split))
        assert (corrupted.hashes(rows) == plain.hashes(plain.rows(split))).all()
        assert corrupted.groups(rows) is None
    rows = corrupted.rows("test")
    domains = corrupted.domains(rows)
    assert sorted(set(domains)) == ["clean", "contrast-1", "contrast-3", "gaussian-noise-1", "gaussian-noise-3"]
    names = plain.ids(plain.rows("test"))
    for domain in set(domains) - {"clean"}:
        own = [name for name, other in zip(corrupted.ids(rows), domains, strict=True) if other == domain]
        assert sorted(own) == sorted(f"{name}@{domain}" for name in names)
    assert corrupted.group_names(rows) == [name.partition("@")[0] for name in corrupted.ids(rows)]
    labels = dict(zip(names, plain.labels(plain.rows("test")), strict=True))
    assert corrupted.labels(rows).tolist() == [labels[name.partition("@")[0]] for name in corrupted.ids(rows)]
    assert corrupted.source_domains == ("clean",)
    assert corrupted.fingerprint != plain.fingerprint
    assert len(np.unique(corrupted.hashes(rows), axis=0)) == len(rows)
    (note,) = [note for note in corrupted.notes if "corrupted" in note]
    assert "in 4 ways, beside the images as they are: gaussian-noise, contrast; severity 1, 3." in note


def test_pixels_are_the_same_by_every_way_of_reading_and_depend_on_seed_and_content_alone(opened):
    corrupted, again, other = opened(KINDS), opened(KINDS + "\nclean = false"), opened(KINDS + "\nseed = 1")

    def pixels(dataset):
        rows = dataset.rows("test")
        return {name: dataset.with_pixels(row, np.copy) for name, row in zip(dataset.ids(rows), rows, strict=True)}

    first, second, third = map(pixels, (corrupted, again, other))
    assert len(second) == 4 * len(first) / 5
    assert all((first[name] == second[name]).all() for name in second)
    changed = {name.rpartition("@")[2] for name in first if (first[name] != third[name]).any()}
    assert changed == {"gaussian-noise-1", "gaussian-noise-3"}
    for row in corrupted.rows("test")[:6]:
        (name,) = corrupted.ids([row])
        assert (np.asarray(corrupted.decode(row)) == first[name]).all()
        assert (corrupted.with_picture(row, np.asarray) == first[name]).all()
        assert (corrupted.described(row, np.asarray)[3] == first[name]).all()
    name = next(name for name in first if name.endswith("@contrast-3"))
    expected = CORRUPTIONS["contrast"](first[name.partition("@")[0]], 3, np.random.default_rng())
    assert (first[name] == expected).all()


def test_whoever_is_given_some_images_and_who_joins_datasets_sees_the_same_pixels(opened):
    plain, corrupted = opened(), opened(KINDS)
    rows = corrupted.rows("test")[:12]
    chosen = ChosenImages(corrupted, rows)
    for place, row in enumerate(rows):
        assert (chosen.with_pixels(place, np.copy) == corrupted.with_pixels(row, np.copy)).all()
    joined = open_transfer(Transfer("flora", "other"), plain, corrupted)
    test = joined.rows("test")
    assert joined.ids(test) == corrupted.ids(corrupted.rows("test"))
    for row, own in zip(test[:12], corrupted.rows("test"), strict=False):
        assert (joined.with_pixels(row, np.copy) == corrupted.with_pixels(own, np.copy)).all()
    assert joined.domains(test) == corrupted.domains(corrupted.rows("test"))


def test_a_file_that_changed_is_noticed(opened, class_folders):
    corrupted = opened(KINDS)
    assert (corrupted.hashes(corrupted.rows("test")) != corrupted.manifest.hashes[corrupted.rows("test")]).any()
    row = next(row for row in corrupted.rows("test") if "@" in corrupted.ids([row])[0])
    path = class_folders / corrupted.ids([row])[0].partition("@")[0]
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match="changed after the dataset was listed"):
        corrupted.with_pixels(row, np.copy)


def test_a_check_takes_copies_for_no_duplicates_and_counts_domains(opened):
    report = check_dataset(opened(KINDS))
    assert report.domains["contrast-3"] == {"train": 0, "val": 0, "test": report.domains["clean"]["test"]}
    assert "equal" not in str(report)


def test_copies_keep_the_group_of_a_card_and_have_pseudonyms(opened, settings):
    corrupted = opened(KINDS, "splits.group_pattern = '([0-9])[0-9].jpg$'")
    rows = corrupted.rows("test")
    assert set(corrupted.group_names(rows)) <= {"0", "1"}
    hidden = corrupted.under_pseudonyms(Pseudonyms.of_machine(settings.cache))
    assert hidden.domains(rows) == corrupted.domains(rows)
    assert not set(hidden.ids(rows)) & set(corrupted.ids(rows))


def test_families_and_all_stand_for_their_corruptions():
    assert len(card('kinds = ["all"]').corruptions.named) == 21
    assert card('kinds = ["blur", "fog", "fog"]').corruptions.named[-1] == "fog"
    assert len(card('kinds = "digital"\nseverities = [5, 1, 5]').corruptions.domains) == 8
    written = card(KINDS)
    assert parse_card(card_to_toml(written), "again").corruptions == written.corruptions
    assert "corruptions" not in card_to_toml(card())


@pytest.mark.parametrize(
    ("corruptions", "more", "said"),
    [
        ('kinds = ["fogg"]', "", "'fogg' is no corruption. Did you mean 'fog'"),
        ('kinds = ["fog"]\nseverities = [6]', "", "severities"),
        ('kinds = ["fog"]\nseverities = []', "", "severities"),
        ("kinds = 3", "", "kinds"),
        ('kinds = ["fog"]', 'splits.domain_pattern = "(.)"', "makes domains"),
        ('kinds = ["fog"]', 'task = "retrieval"\ncolumns.caption = "text"', "is for classification"),
    ],
)
def test_what_cannot_be_is_said(corruptions, more, said):
    with pytest.raises(CardError, match=said):
        card(corruptions, more)
