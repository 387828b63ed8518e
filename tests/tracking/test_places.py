"""What is recorded of where a dataset lies: no absolute path, and enough to tell places apart."""

from pathlib import Path

import pytest

from workbench.tracking.places import KnownPlaces, place_digest, place_names, recorded_place


def test_the_last_names_and_a_hash_and_not_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "anna.meier")
    inside = str(tmp_path / "anna.meier" / "studies" / "images")
    assert recorded_place(inside) == f"studies/images#{place_digest(inside)}"
    assert recorded_place("/mnt/hospital/ward/study/siteA/images").startswith("study/siteA/images#")
    assert recorded_place("clip-workbench") == "clip-workbench"


def test_two_places_are_never_one(tmp_path):
    one, other = ("/a/study/site/images", "/b/study/site/images")
    assert recorded_place(one) != recorded_place(other)
    assert place_names(recorded_place(one)) == place_names(recorded_place(other)) == "study/site/images"


@pytest.mark.parametrize("place", ["/data/x#images", "C:\\data\\images", "/data/#123", "name#0123456789ab0"])
def test_places_of_earlier_versions_are_read_as_they_are(place):
    assert place_names(place) == place.replace("\\", "/")


def test_it_is_known_here_whether_a_place_is_gone(tmp_path):
    folder, places = tmp_path / "images", KnownPlaces(tmp_path / "cache")
    folder.mkdir()
    recorded = recorded_place(str(folder))
    assert not places.is_gone(recorded)  # Nobody has seen it here.
    places.note(str(folder), recorded)
    assert not places.is_gone(recorded)
    folder.rename(tmp_path / "moved")
    assert places.is_gone(recorded)
    assert places.is_gone(str(folder))
    assert not KnownPlaces(tmp_path / "another").is_gone(recorded)
