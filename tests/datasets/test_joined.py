"""Rows of two datasets as one: every image stays what it is in its own."""

import numpy as np
import pytest
from PIL import Image

from tests.runs.places import write_domains, write_place
from workbench.datasets import open_dataset
from workbench.datasets.reading import ChosenImages
from workbench.datasets.transfer import Transfer
from workbench.datasets.transferred import open_transfer
from workbench.errors import DataError

THREE = ("red", "green", "blue")


def joined(source, target, **options):
    options = {"mapping": tuple(options.pop("mapping", {}).items()), **options}
    return open_transfer(Transfer("s", "t", **options), source, target)


@pytest.fixture
def sunny(tmp_path, settings):
    return open_dataset(str(write_place(tmp_path / "sunny", {name: name for name in THREE})), settings)


@pytest.fixture
def dusky(tmp_path, settings):
    """Its pixels are inverted, its classes in another order and under other labels."""
    labels, names = {"c1": "blue", "c2": "red", "c3": "green"}, {"c1": "blue", "c2": "red", "c3": "green"}
    card = write_place(tmp_path / "dusky", labels, light=0.4, seed=1, names=names)
    card.write_text(card.read_text() + "\n[pixels]\ninvert = true\n")
    return open_dataset(str(card), settings)


def test_training_images_are_the_sources_and_test_images_the_targets(sunny, dusky):
    both = joined(sunny, dusky)
    for split, own in (("train", sunny), ("val", sunny), ("test", dusky)):
        rows, there = both.rows(split), own.rows(split)
        np.testing.assert_array_equal(both.hashes(rows), own.hashes(there))
        names = [np.array(each.class_names)[each.labels(chosen)] for each, chosen in ((both, rows), (own, there))]
        np.testing.assert_array_equal(*names)
        for here, original in zip(rows.tolist()[::7], there.tolist()[::7], strict=True):
            np.testing.assert_array_equal(np.array(both.decode(here)), np.array(own.decode(original)))
    assert both.class_names == dusky.class_names
    assert both.prompts == dusky.prompts
    assert (both.fingerprint, both.items_digest, both.notes) == (dusky.fingerprint, dusky.items_digest, dusky.notes)
    assert both.ids(both.rows("test")) == dusky.ids(dusky.rows("test"))
    assert all(name.startswith("sunny/") for name in both.ids(both.rows("train")))


def test_whoever_is_given_chosen_images_decodes_each_as_its_dataset_does(sunny, dusky):
    both = joined(sunny, dusky)
    rows = np.array([both.rows("train")[0], both.rows("test")[0]])
    chosen = ChosenImages(both, rows)
    own = sunny.decode(int(sunny.rows("train")[0])), dusky.decode(int(dusky.rows("test")[0]))
    for i, image in enumerate(own):
        np.testing.assert_array_equal(np.array(chosen.decode(i)), np.array(image))
        chosen.with_pixels(i, lambda pixels, image=image: np.testing.assert_array_equal(pixels, np.array(image)))


def test_groups_of_one_dataset_are_none_of_the_other(sunny, dusky):
    """Both have groups `train-0`, `test-0`, ..."""
    both = joined(sunny, dusky)
    groups = {split: set(both.groups(both.rows(split)).tolist()) for split in ("train", "val", "test")}
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    pool = set(both.groups(both.unlabelled_rows).tolist())
    assert not pool & groups["train"], "the target's training groups bear the names of the source's"
    assert both.group_names(both.rows("test")) == dusky.group_names(dusky.rows("test"))


def test_several_classes_may_become_one(tmp_path, settings):
    fine = open_dataset(
        str(write_place(tmp_path / "fine", {name: name for name in ("red", "green", "blue")})), settings
    )
    coarse = open_dataset(str(write_place(tmp_path / "coarse", {"cold": "blue", "warm": "red"}, seed=1)), settings)
    both = joined(fine, coarse, mapping={"red": "warm", "green": "cold", "blue": "cold"})
    assert both.class_counts("train").tolist() == [16, 8]
    assert both.trained_on.classes == {"red": "warm", "green": "cold", "blue": "cold"}


def test_numbers_as_labels_say_nothing_about_another_dataset(tmp_path, settings):
    one = write_place(tmp_path / "one", {"0": "red", "1": "blue"}, names={"0": "rose", "1": "sky"})
    other = write_place(tmp_path / "other", {"0": "blue", "1": "red"}, names={"0": "sea", "1": "wine"})
    opened = [open_dataset(str(card), settings) for card in (one, other)]
    with pytest.raises(DataError, match=r"'rose', 'sky' of 'one' and 'sea', 'wine' of 'other'"):
        joined(*opened)
    both = joined(*opened, mapping={"rose": "wine", "1": "0"})
    assert both.trained_on.classes == {"0": "1", "1": "0"}


def test_other_classes_are_fitted_as_the_source_has_them(sunny, tmp_path, settings):
    new = open_dataset(str(write_place(tmp_path / "new", {"a": "grey", "b": "red"}, seed=1)), settings)
    both = joined(sunny, new, classes="text")
    rows = both.rows("train")
    assert both.class_names == ("a", "b")
    assert both.fitted is sunny
    np.testing.assert_array_equal(both.labels_to_fit(rows), sunny.labels(sunny.rows("train")))
    np.testing.assert_array_equal(both.labels(both.rows("test")), new.labels(new.rows("test")))


def write_findings(folder, findings, seed):
    """Images with several labels, and their card."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    lines = ["image,label,split"]
    for split, count in (("train", 12), ("val", 6), ("test", 12)):
        for i in range(count):
            Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(folder / f"{split}{i}.png")
            held = [name for k, name in enumerate(findings) if (i >> k) & 1]
            lines.append(f"{split}{i}.png,{'|'.join(held)},{split}")
    (folder / "table.csv").write_text("\n".join(lines))
    card = folder / "card.toml"
    card.write_text(
        f'name = "{folder.name}"\nmulti_label = true\n[source]\ntype = "csv"\npath = "table.csv"\n[columns]\n'
        'label = "label"\nsplit = "split"\n'
    )
    return card


def test_findings_that_only_one_has_are_left_out_and_their_images_stay(tmp_path, settings):
    ours = open_dataset(str(write_findings(tmp_path / "ours", ("edema", "mass", "nodule"), 0)), settings)
    theirs = open_dataset(str(write_findings(tmp_path / "theirs", ("mass", "scar", "edema"), 1)), settings)
    both = joined(ours, theirs, classes="shared")
    assert both.class_keys == ("edema", "mass")
    train, own = both.rows("train"), ours.rows("train")
    assert len(train) == len(own) == 12
    np.testing.assert_array_equal(both.labels(train), ours.labels(own)[:, :2])
    test = both.labels(both.rows("test"))
    np.testing.assert_array_equal(test, theirs.labels(theirs.rows("test"))[:, [0, 1]])
    assert theirs.class_keys == ("edema", "mass", "scar")


def test_one_label_and_several_are_not_joined(sunny, tmp_path, settings):
    findings = open_dataset(str(write_findings(tmp_path / "findings", ("red", "green", "blue"), 0)), settings)
    with pytest.raises(DataError, match="one label there and several labels here"):
        joined(sunny, findings)


def test_one_shared_class_is_too_few(sunny, tmp_path, settings):
    other = open_dataset(str(write_place(tmp_path / "other", {"grey": "grey", "red": "red"}, seed=1)), settings)
    with pytest.raises(DataError, match="shares 1 class with it, and classification needs 2"):
        joined(sunny, other, classes="shared")


def test_domains_that_are_spelt_alike_are_two_datasets(tmp_path, settings):
    dataset = open_dataset(
        str(write_domains(tmp_path / "d", {"Site A": 1.0, "site-a": 0.5, "C": 0.2}, THREE)), settings
    )
    parts = [
        open_transfer(Transfer("d", "d", domain=name, trained_on=side), dataset, dataset)
        for name in ("Site A", "site-a", "C")
        for side in ("source", "target")
    ]
    assert [part.name for part in parts] == ["d-site-a", "d-site-a", "d-site-a-2", "d-site-a-2", "d-c", "d-c"]
    for outside, inside in zip(parts[::2], parts[1::2], strict=True):
        assert outside.fingerprint == inside.fingerprint != dataset.fingerprint
        assert outside.items_digest == inside.items_digest
        assert outside.whole is inside.whole is dataset
        tested = set(outside.domains(outside.rows("test")))
        assert len(tested) == 1
        assert not tested & set(outside.domains(outside.rows("train")))
        assert tested < set(inside.domains(inside.rows("train")))
