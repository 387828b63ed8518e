"""Unlabelled images: those of train, or a part of the target domain that is kept apart from test."""

import numpy as np
import pytest

from tests.datasets.test_domains import card
from workbench.datasets import open_card
from workbench.errors import CardError

TARGET = "by = 'domain'\ntarget = ['south']"


def opened(clinic, settings, splits, columns="domain = 'site'"):
    return open_card(card(splits, columns), clinic, settings)


def test_they_are_those_of_train_where_test_is_of_the_same_domain(clinic, settings):
    dataset = opened(clinic, settings, "")
    np.testing.assert_array_equal(dataset.unlabelled_rows, dataset.rows("train"))
    assert dataset.validates_on_target


def test_of_a_target_domain_a_share_is_kept_apart_and_test_is_the_rest(clinic, settings):
    whole, half = (opened(clinic, settings, TARGET + extra) for extra in ("", "\nunlabelled = 0.5"))
    assert len(whole.unlabelled_rows) == 0
    assert set(half.domains(half.unlabelled_rows)) == {"south"}
    both = sorted([*half.unlabelled_rows.tolist(), *half.rows("test").tolist()])
    assert both == sorted(whole.rows("test").tolist())
    assert len(half.unlabelled_rows) == len(both) // 2
    assert half.fingerprint != whole.fingerprint
    assert any("9 images of the target are kept apart from test" in note for note in half.notes)
    assert not half.validates_on_target
    other = opened(clinic, settings, TARGET + "\nunlabelled = 0.5\nseed = 3")
    assert set(other.unlabelled_rows.tolist()) != set(half.unlabelled_rows.tolist())


def test_groups_are_not_divided(clinic, settings):
    table = (clinic / "table.csv").read_text().splitlines()
    lines = [f"{table[0]},patient", *(f"{line},p{i // 6}" for i, line in enumerate(table[1:]))]
    (clinic / "table.csv").write_text("\n".join(lines))
    columns = "domain = 'site'\ngroup = 'patient'"
    dataset = opened(clinic, settings, TARGET + "\nunlabelled = 0.4", columns)
    apart, test = (set(dataset.group_names(rows)) for rows in (dataset.unlabelled_rows, dataset.rows("test")))
    assert apart
    assert test
    assert not apart & test


def test_labels_of_the_target_choose_nothing(clinic, settings):
    """With other labels on the target the same images are kept apart."""
    ids = []
    for name in ("a", "b"):
        text = (clinic / "table.csv").read_text()
        if name == "b":
            text = "\n".join(line.replace("box,south", "cup,south") for line in text.splitlines())
            (clinic / "table.csv").write_text(text)
        dataset = opened(clinic, settings, TARGET + "\nunlabelled = 0.5")
        ids.append(sorted(dataset.ids(dataset.unlabelled_rows)))
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("splits", "words"),
    [("unlabelled = 0.5", "goes with by = 'domain'"), (TARGET + "\nunlabelled = 1.0", "less than 1")],
)
def test_cards_that_ask_for_what_cannot_be(splits, words):
    with pytest.raises(CardError, match=words):
        card(splits)


def test_test_images_of_other_domains_stay_in_test(clinic, settings):
    splits = TARGET + "\nin_domain_test = true\nunlabelled = 0.5"
    dataset = opened(clinic, settings, splits, "domain = 'site'\nsplit = 'part'")
    assert set(dataset.domains(dataset.unlabelled_rows)) == {"south"}
    assert set(dataset.domains(dataset.rows("test"))) == {"north", "south", "west"}
    assert not set(dataset.unlabelled_rows.tolist()) & set(dataset.rows("test").tolist())
