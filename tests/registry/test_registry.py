"""Names from metadata alone, collisions, broken entries, near misses."""

import sys
from pathlib import Path

import pytest

from workbench.errors import UnknownNameError, WorkbenchError
from workbench.registry import Registry, closest


def distribution(folder: Path, name: str, entries: dict[str, str], group: str = "test.things") -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "\n".join(f"{key} = {value}" for key, value in entries.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    (tmp_path / "first_thing_pkg.py").write_text("thing = 41\n")
    (tmp_path / "explodes_pkg.py").write_text("raise RuntimeError('no licence file')\n")
    distribution(
        tmp_path, "first", {"good": "first_thing_pkg:thing", "shared": "first_thing_pkg:thing", "bad": "explodes_pkg:x"}
    )
    distribution(tmp_path, "second", {"shared": "first_thing_pkg:thing"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "first_thing_pkg", raising=False)
    return Registry("test.things", "thing", lambda loaded, _: loaded + 1)


def test_listing_imports_nothing(registry):
    assert registry.names() == ["bad", "good", "shared"]
    assert {entry.name: entry.provider for entry in registry.listing()}["good"] == "first 1.0"
    assert "first_thing_pkg" not in sys.modules


def test_getting_imports_and_checks(registry):
    assert registry.get("good") == 42


def test_a_name_of_two_owners_names_both(registry):
    with pytest.raises(
        WorkbenchError, match=r"claimed by .*first 1\.0.*second 1\.0|claimed by .*second 1\.0.*first 1\.0"
    ):
        registry.get("shared")
    assert "claimed by" in {entry.name: entry.problem for entry in registry.listing()}["shared"]


def test_a_broken_entry_tells_its_reason_and_stops_no_other(registry):
    problems = {entry.name: entry.problem for entry in registry.listing(probe=True)}
    assert "no licence file" in problems["bad"]
    assert problems["good"] is None


def test_unknown_names_get_the_nearest(registry):
    with pytest.raises(UnknownNameError, match="Did you mean 'good'"):
        registry.get("goof")
    with pytest.raises(UnknownNameError, match="workbench list things"):
        registry.get("zzzzzz")


def test_a_top_level_name_that_another_distribution_owns_is_said(tmp_path, monkeypatch):
    package = tmp_path / "shadowed_top"
    package.mkdir()
    (package / "__init__.py").write_text("")
    distribution(tmp_path, "mine", {"it": "shadowed_top.recipes:it"})
    distribution(tmp_path, "theirs", {}, group="other")
    (tmp_path / "theirs-1.0.dist-info" / "top_level.txt").write_text("shadowed_top\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WorkbenchError, match="shadowed by theirs"):
        Registry("test.things", "thing", lambda loaded, _: loaded).get("it")


def test_closest_is_silent_where_nothing_is_near():
    assert closest("lora", ["linear-probe", "zzz"]) == ""
