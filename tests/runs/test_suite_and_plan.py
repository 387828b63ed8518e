"""Suites from TOML, and the runs they ask for."""

import pytest

from workbench.cli._suite import assemble
from workbench.errors import CardError, UnknownNameError
from workbench.runs import Suite, load_suite, plan, suite_names


def test_a_shipped_suite_loads_and_plans():
    assert "quickstart" in suite_names()
    cells = plan(load_suite("quickstart"))
    assert {cell.recipe for cell in cells} == {"majority-class", "zero-shot", "linear-probe", "lora"}
    assert {cell.shots for cell in cells if cell.recipe == "lora"} == {16}
    assert len(cells) == 3 * 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 'x'\nmodels = ['m']\ndatasets = ['d']\nrecipe = []", "recipes"),
        ("name = 'x'\nmodels = []\ndatasets = ['d']\nrecipes = [{recipe = 'lora'}]", "models"),
        ("name = 'x'\nmodels = ['m']\ndatasets = ['d']\nshots = ['some']\nrecipes = [{recipe = 'lora'}]", "shots"),
        (
            "name = 'x'\nmodels = ['m']\ndatasets = ['d']\nrecipes = [{recipe = 'lora', datasets = ['e']}]",
            "'lora': the suite does not have its dataset 'e'",
        ),
        ("name = 'x'\nmodels = ['m']\ndatasets = ['d']\nrecipes = [{recipe = 'lora', datasets = []}]", "datasets"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_suite_file_names_file_and_key(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(CardError, match=f"mine.toml.*{message}"):
        load_suite(str(path))


def test_an_unknown_suite_gets_the_nearest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'quickstart'"):
        load_suite("quickstrat")


def test_nothing_is_planned_twice_and_irrelevant_sweeps_are_dropped():
    suite = Suite(
        name="s", models=("a", "b"), datasets=("d",), shots=(1, "all"), seeds=(0, 1, 2),
        recipes=({"recipe": "zero-shot"}, {"recipe": "linear-probe"}, {"recipe": "lora"}),
    )  # fmt: skip
    cells = plan(suite)
    count = {name: sum(cell.recipe == name for cell in cells) for name in {cell.recipe for cell in cells}}
    # The probe without few-shot sampling does not depend on the seed; lora's initialisation does.
    assert count == {"majority-class": 1, "zero-shot": 2, "linear-probe": 2 * (3 + 1), "lora": 2 * (3 + 3)}


def test_a_recipe_that_cannot_do_all_tasks_runs_where_it_is_told_to():
    suite = load_suite("beyond-labels")
    cells = plan(suite)
    on = {cell.dataset for cell in cells if cell.recipe == "relation-head"}
    assert on == {"tabletop-matching", "tabletop-grounding"}
    assert {cell.dataset for cell in cells} == set(suite.datasets)
    # Other datasets on the command line leave it out where it was not meant to run.
    chosen = assemble("beyond-labels", [], ["tabletop-matching", "photos/"], [], [], [], [], None, None)
    assert {(cell.recipe, cell.dataset) for cell in plan(chosen) if cell.recipe == "relation-head"} == {
        ("relation-head", "tabletop-matching")
    }
    elsewhere = assemble("beyond-labels", [], ["leaf-morphology-captions"], [], [], [], [], None, None)
    assert {entry.recipe for entry in elsewhere.recipes} == {"zero-shot", "linear-head"}


def test_options_leave_out_transfers_or_take_them_with_other_recipes():
    assert {cell.transfer for cell in plan(assemble("transfer", [], ["photos/"], [], [], [], [], None, None))} == {None}
    chosen = assemble("transfer", [], [], ["lora", "zero-shot"], ["2"], [0], [], None, None)
    across = [cell for cell in plan(chosen) if cell.transfer is not None]
    assert {(cell.recipe, cell.shots) for cell in across} == {("lora", 2)}
    assert {cell.dataset for cell in across if cell.transfer.classes == "text"} == {"tabletop", "mri-planes"}


def assembled(*assignments, **options):
    given = {"models": ["m"], "datasets": ["d"], "recipes": ["lora"], "shots": [], "seeds": [], **options}
    return assemble(None, *given.values(), list(assignments), "s", None)


def settings_of(suite):
    return [
        (cell.config.rank, cell.config.epochs, cell.shown) for cell in plan(suite) if cell.recipe == "lora"
    ]  # fmt: skip


def test_a_setting_given_twice_is_a_sweep_that_names_it():
    assert settings_of(assembled("lora.rank=4", "lora.rank=16", "lora.epochs=3")) == [
        (4, 3, "lora (rank=4)"), (16, 3, "lora (rank=16)"),
    ]  # fmt: skip
    both = settings_of(assembled("lora.rank=4", "lora.epochs=3", "lora.rank=8", "lora.epochs=5"))
    assert {(rank, epochs) for rank, epochs, _ in both} == {(4, 3), (4, 5), (8, 3), (8, 5)}
    assert len({shown for *_, shown in both}) == 4
    assert "lora (rank=4)" in str(plan(assembled("lora.rank=4", "lora.rank=16"))[1])


def test_the_same_thing_given_twice_is_given_once():
    once = plan(assembled("lora.rank=4", shots=["4"], seeds=[1]))
    twice = assembled(
        "lora.rank=4", "lora.rank=4", models=["m", "m"], datasets=["d", "d"], recipes=["lora", "lora"],
        shots=["4", "4"], seeds=[1, 1],
    )  # fmt: skip
    assert plan(twice) == once
    assert {cell.shown for cell in once} == {"majority-class", "lora"}
