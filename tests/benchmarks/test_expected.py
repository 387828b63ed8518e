"""The lists of published numbers that ship name what there is; the embedded one is green, and red if tampered with."""

import contextlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import benchmarks.expected
from workbench.cli import cli
from workbench.datasets.catalogue import cards
from workbench.errors import MissingModelError
from workbench.models.catalogue import check_model
from workbench.recipes import recipes
from workbench.verification import installed_expected, read_expected
from workbench.verification.listing import registered

FOLDER = Path(benchmarks.expected.__path__[0])
LISTS = sorted(FOLDER.glob("*.toml"))


def test_every_list_is_registered():
    assert {path.stem for path in LISTS} <= set(registered.names())
    assert {each.file for each in installed_expected()} >= {str(path) for path in LISTS}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_a_list_names_what_there_is_and_how_it_was_checked(path):
    for each in read_expected(path):
        assert each.dataset in cards.names()
        recipes.get(each.recipe).Config(**each.config)
        assert each.checked
        assert each.protocol.test_images
        assert each.protocol.classes
        assert 0 < each.tolerance < 0.05
    for model in {each.model for each in read_expected(path)}:
        with contextlib.suppress(MissingModelError):  # Wrong names and activations are said before that.
            check_model(model)


@pytest.mark.slow
def test_the_embedded_model_is_green_and_a_number_that_was_tampered_with_is_red(tmp_path):
    pytest.importorskip("embreex", reason="tabletop needs the quickstart extra")

    def called(*options):
        command = ["verify", "offline-lite", "--dataset", "tabletop", "--precision", "fp32", "--json", *options]
        done = CliRunner().invoke(cli, command)
        return done.exit_code, {(each["recipe"], each["metric"]): each for each in json.loads(done.stdout)}

    code, green = called()
    assert code == 0, green
    assert len(green) == 4
    assert {each["verdict"] for each in green.values()} == {"pass"}

    tampered = tmp_path / "embedded.toml"
    text = (FOLDER / "embedded.toml").read_text(encoding="utf-8")
    before, table, after = text.partition('dataset = "tabletop"')
    right = green["zero-shot", "accuracy"]["theirs"]
    number = f'"offline-lite" = {right}'
    assert after.count(number) == 1
    tampered.write_text(before + table + after.replace(number, f'"offline-lite" = {right + 0.06}'), encoding="utf-8")
    code, red = called("--expected", str(tampered))
    assert code == 1
    failed = [key for key, each in red.items() if each["verdict"] == "fail"]
    assert failed == [("zero-shot", "accuracy")]
    assert {each["run_ids"][0] for each in red.values()} == {each["run_ids"][0] for each in green.values()}
