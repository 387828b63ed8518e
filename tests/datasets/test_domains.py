"""Domains: target domains are test, all others train and validation, and a check says what a domain lacks."""

import pytest

from workbench.datasets import check_dataset, open_card, parse_card
from workbench.datasets.card_writing import without_absolute_paths
from workbench.errors import CardError, DataError
from workbench.pseudonyms import Pseudonyms

SITES = ("north", "south", "west")


def card(splits="by = 'domain'\ntarget = ['south']", columns="domain = 'site'"):
    return parse_card(
        "name = 'clinic'\n[source]\ntype = 'csv'\npath = 'table.csv'\n[columns]\nlabel = 'label'\n"
        f"{columns}\n[splits]\n{splits}",
        "clinic.toml",
    )


def sites_by_split(dataset):
    return {split: set(dataset.domains(dataset.rows(split))) for split in ("train", "val", "test")}


def test_the_target_is_test_and_other_domains_are_the_rest(clinic, settings):
    dataset = open_card(card(), clinic, settings)
    assert sites_by_split(dataset) == {"train": {"north", "west"}, "val": {"north", "west"}, "test": {"south"}}
    assert len(dataset) == 54
    assert "Test is the domain south (18 images); train and validation are north, west (36 images)." in dataset.notes
    assert "6 images of no domain are left out." in dataset.notes


def test_of_other_domains_the_sources_own_test_images_are_left_out(clinic, settings):
    dataset = open_card(card(columns="domain = 'site'\nsplit = 'part'"), clinic, settings)
    assert sites_by_split(dataset)["test"] == {"south"}
    left = sum(i % 5 == 0 and SITES[i % 3] != "south" for i in range(6, 60))
    assert f"{left} images in the test split of another domain are left out." in dataset.notes
    assert len(dataset) == 54 - left


def test_in_domain_test_images_stay_beside_the_target(clinic, settings):
    splits = "by = 'domain'\ntarget = ['south']\nin_domain_test = true"
    dataset = open_card(card(splits, columns="domain = 'site'\nsplit = 'part'"), clinic, settings)
    assert sites_by_split(dataset) == {
        "train": {"north", "west"}, "val": {"north", "west"}, "test": {"north", "south", "west"}
    }  # fmt: skip
    assert len(dataset) == 54
    assert dataset.source_domains == ("north", "west")
    assert any("and the test images of the other domains" in note for note in dataset.notes)


def test_in_domain_test_images_are_made_where_the_source_has_none(clinic, settings):
    splits = "by = 'domain'\ntarget = ['south']\nin_domain_test = true\ntest_fraction = 0.25"
    dataset = open_card(card(splits), clinic, settings)
    sites = dataset.domains(dataset.rows("test"))
    assert (sites.count("south"), sum(site != "south" for site in sites)) == (18, 9)
    assert set(dataset.domains(dataset.rows("train"))) == {"north", "west"}
    assert dataset.made_splits == ("val",), "test was there: it is the target"


def test_without_targets_domains_are_known_and_splits_stay(clinic, settings):
    named, plain = (open_card(card("", columns), clinic, settings) for columns in ("domain = 'site'", ""))
    assert set(named.domains(range(60))) == {*SITES, None}
    assert plain.domains(range(60)) is None
    assert [named.ids(named.rows(s)) for s in ("train", "test")] == [
        plain.ids(plain.rows(s)) for s in ("train", "test")
    ]
    assert named.fingerprint != plain.fingerprint, "runs on it are measured by domain"


def test_a_domain_may_be_the_group_or_stand_in_the_name(clinic, settings):
    dataset = open_card(card("", "domain = 'site'\ngroup = 'site'"), clinic, settings)
    assert dataset.domains(range(60)) == dataset.group_names(range(60))
    by_name = open_card(card(r"domain_pattern = '^images/(\d)'", ""), clinic, settings)
    assert set(by_name.domains(range(60))) == {str(i) for i in range(10)}


@pytest.mark.parametrize(
    ("splits", "columns", "targets"),
    [
        ("by = 'domain'\ntarget = ['south']", "domain = 'site'\ngroup = 'site'", ["south"]),
        ("by = 'domain'\ntarget = ['images/1']\ndomain_pattern = '^(images/.)'", "", ["images/1"]),
    ],
)
def test_pseudonyms_stand_for_domains_that_are_groups_or_parts_of_names(clinic, settings, splits, columns, targets):
    plain = open_card(card(splits, columns), clinic, settings)
    hidden = plain.under_pseudonyms(Pseudonyms.of_machine(settings.cache))
    rows = plain.rows("all")
    assert hidden.domains(rows) == [hidden.pseudonyms.of(name) for name in plain.domains(rows)]
    assert hidden.fingerprint == plain.fingerprint
    recorded = without_absolute_paths(hidden.card, hidden.pseudonyms.of)
    assert recorded.splits.target == tuple(map(hidden.pseudonyms.of, targets))
    (note,) = [note for note in hidden.notes if note.startswith("Test is the domain")]
    assert hidden.pseudonyms.of(targets[0]) in note


def test_other_domains_are_recorded_as_they_are_like_classes(clinic, settings):
    plain = open_card(card(), clinic, settings)
    hidden = plain.under_pseudonyms(Pseudonyms.of_machine(settings.cache))
    assert hidden.domains(hidden.rows("test")) == ["south"] * 18


def test_a_check_counts_domains_and_names_what_they_lack(clinic, settings):
    report = check_dataset(open_card(card(), clinic, settings))
    assert report.domains["south"] == {"train": 0, "val": 0, "test": 18}
    assert report.domains_lack == {"west": ("cup",)}
    text = str(report)
    assert "domain west has no image of 1 class: cup." in text
    assert text.index("domain   ") < text.index("\nnorth") < text.index("\nsouth") < text.index("\nwest")


@pytest.mark.parametrize(
    ("splits", "columns", "words"),
    [
        ("by = 'domain'\ntarget = ['sout']", "domain = 'site'", "'sout', which is no domain. Did you mean 'south'"),
        ("by = 'domain'\ntarget = ['north', 'south', 'west']", "domain = 'site'", "none is left to train on"),
        ("by = 'domain'\ntarget = ['a']", "domain = 'place'", "no image has a domain by columns.domain.*part, site"),
        (
            "by = 'domain'\ntarget = ['a']\ndomain_pattern = 'x(y)z'",
            "",
            "no image has a domain by splits.domain_pattern",
        ),
    ],
)
def test_wrong_domains_are_named(clinic, settings, splits, columns, words):
    with pytest.raises(DataError, match=words):
        open_card(card(splits, columns), clinic, settings)


@pytest.mark.parametrize(
    ("splits", "columns", "words"),
    [
        ("by = 'domain'", "domain = 'site'", "go together"),
        ("target = ['south']", "domain = 'site'", "go together"),
        ("by = 'domain'\ntarget = ['south']", "", "needs columns.domain"),
        ("domain_pattern = '(a)'", "domain = 'site'", "name one of them"),
        ("domain_pattern = 'a'", "", "no part in parentheses"),
    ],
)
def test_cards_that_contradict_themselves(splits, columns, words):
    with pytest.raises(CardError, match=words):
        card(splits, columns)
