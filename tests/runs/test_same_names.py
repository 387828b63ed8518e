"""Two folders of one name are two datasets, everywhere; a folder that moved is one."""

import json

import pytest

from workbench import results
from workbench.cli import main
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.comparisons import compare_suite
from workbench.tracking import open_store


class Told:
    def __init__(self):
        self.lines = []

    def say(self, sentence):
        self.lines.append(sentence)

    def progress(self, what, done, total):
        pass


@pytest.fixture
def ran(settings, tiny_model):
    """Runs zero-shot in a suite on folders or cards; gives the names of their datasets, and what was said."""

    def run(*places, recipe="zero-shot"):
        told = Told()
        suite = Suite(
            name="s", models=(tiny_model,), datasets=tuple(map(str, places)), baseline=False, figures=False,
            recipes=(RecipeEntry(recipe=recipe),),
        )  # fmt: skip
        found = run_suite(suite, settings, reporter=told)
        assert {each.status for each in found} == {"finished"}
        return [each.dataset for each in found], told.lines

    return run


@pytest.fixture
def sites(tmp_path, write_colours):
    """Folders `images` of three sites with other pictures."""
    return [write_colours(tmp_path / f"site{name}" / "images", seed=i) for i, name in enumerate("ABC")]


def test_two_folders_of_one_name_are_two_datasets_in_every_table(ran, sites, settings, capsys):
    assert ran(*sites[:2])[0] == ["siteA/images", "siteB/images"]
    # In another command, too, and what is there already is not run again.
    names, lines = ran(*sites)
    assert names == ["siteA/images", "siteB/images", "siteC/images"]
    assert "2 of 3 runs are finished already." in lines
    frame = results(**settings.model_dump(include={"cache", "runs"}))
    assert set(frame["dataset"]) == set(names)
    assert frame.attrs["left_out"] == 0
    assert set(frame["label"]) == {"zero-shot"}
    comparison = compare_suite(open_store(settings), "s")
    assert {entry.run.dataset for entry in comparison.results} == set(names)
    assert comparison.notes == ()
    with pytest.raises(SystemExit):
        main(["results", "--suite", "s", "--dataset", "siteB/images", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert [run["dataset"] for run in shown] == ["siteB/images"]


def test_a_changed_folder_is_a_newer_state_and_a_moved_one_the_same_dataset(ran, sites, settings, tmp_path):
    ran(*sites[:2])
    (sites[0] / "test" / "red" / "0.png").unlink()
    assert ran(sites[0])[0] == ["siteA/images"]
    frame = results(**settings.model_dump(include={"cache", "runs"}))
    assert sorted(frame["dataset"]) == ["siteA/images", "siteB/images"]
    assert frame.attrs["left_out"] == 1
    sites[0].parent.rename(tmp_path / "clinicA")
    moved = tmp_path / "clinicA" / "images"
    names, lines = ran(moved)
    assert lines == ["1 of 1 runs are finished already."]
    assert names == ["clinicA/images"]
    # What comes after the move is a newer state of what was before it.
    (moved / "test" / "red" / "1.png").unlink()
    ran(moved)
    frame = results(**settings.model_dump(include={"cache", "runs"}))
    assert sorted(frame["dataset"]) == ["clinicA/images", "siteB/images"]


def test_two_cards_of_one_name_are_two_datasets(ran, sites, tmp_path):
    cards = []
    for i, folder in enumerate(sites[:2]):
        card = tmp_path / f"{i}" / "sheets.toml"
        card.parent.mkdir()
        card.write_text(f'name = "sheets"\n[source]\ntype = "folder"\npath = "{folder}"\n')
        cards.append(card)
    assert ran(*cards)[0] == ["sheets (0/sheets.toml)", "sheets (1/sheets.toml)"]


def test_the_same_folder_in_two_spellings_and_a_copy_are_one_dataset(ran, sites, tmp_path, write_colours):
    copy = write_colours(tmp_path / "copy" / "images", seed=0)
    names, lines = ran(sites[0], f"{sites[0]}/../images", copy)
    assert names == ["images"]
    assert sum("hold the same and have one name: they are one dataset." in line for line in lines) == 2


def test_names_in_any_script_are_kept(ran, tmp_path, write_colours):
    hospital, clinic = (write_colours(tmp_path / name, seed=i) for i, name in enumerate(("病院", "Clínica 2")))
    assert ran(hospital, clinic)[0] == ["病院", "clínica-2"]


def test_the_frame_names_the_settings_that_differ(settings, tiny_model, sites):
    entries = [RecipeEntry(recipe="zero-shot", config={"prompts": prompts}) for prompts in ("single", "ensemble")]
    suite = Suite(name="s", models=(tiny_model,), datasets=(str(sites[0]),), recipes=tuple(entries), figures=False)
    run_suite(suite, settings)
    frame = results(**settings.model_dump(include={"cache", "runs"})).set_index("label")
    assert set(frame.index) == {"majority-class", "zero-shot (prompts=ensemble)", "zero-shot (prompts=single)"}
    assert frame.loc["zero-shot (prompts=single)", "recipe.prompts"] == "single"
    assert [name for name in frame if name.startswith("recipe.")] == ["recipe.prompts"]
