"""Lists of models by field: those that ship are whole, and a damaged one is named."""

import json

import pytest
from click.testing import CliRunner

from workbench.cli import cli
from workbench.datasets.catalogue import cards
from workbench.errors import ModelError
from workbench.models.catalogue import check_registered
from workbench.models.field_models import fields, read_models, seen_in_training
from workbench.models.spec import parse_model


@pytest.mark.parametrize("field", ["medical", "botany", "robotics"])
def test_what_ships_can_be_used_and_says_where_it_was_checked(field):
    for model in fields.get(field):
        spec = parse_model(model.argument)
        assert spec.kind != "plugin" or check_registered(spec) is None
        assert model.source
        assert set(model.seen) <= set(cards.names())
        assert all(prompt.count("{}") == 1 for prompt in model.prompts)


def test_the_command_shows_them():
    done = CliRunner().invoke(cli, ["list", "models", "--field", "medical"])
    assert "hf-hub:google/medsiglip-448" in done.stdout
    listed = json.loads(CliRunner().invoke(cli, ["list", "models", "--field", "botany", "--json"]).stdout)
    assert {"argument", "licence", "gated", "trained_on", "seen", "prompts", "source"} <= listed[0].keys()
    assert "Did you mean 'medical'?" in str(CliRunner().invoke(cli, ["list", "models", "--field", "medica"]).exception)


@pytest.mark.parametrize(
    ("line", "words"),
    [('licens = "MIT"', "licens"), ('gated = "perhaps"', "gated"), ("resolution = 1.5", "resolution")],
)
def test_a_damaged_list_is_named(line, words, tmp_path):
    path = tmp_path / "models.toml"
    path.write_text(f'[[model]]\nargument = "hf-hub:a/b"\ntrained_on = "x"\nsource = "y"\n{line}\n')
    with pytest.raises(ModelError, match=words) as error:
        read_models(path)
    assert "models.toml" in str(error.value)


@pytest.mark.parametrize("argument", ["hf-hub:imageomics/bioclip-2", "hf-hub:imageomics/bioclip-2@main"])
def test_what_a_model_has_seen_is_said(argument):
    said = seen_in_training(argument, ["plantdoc", "rare-species"])
    assert said.startswith(f"{argument} has seen rare-species in its training (its species;")
    assert seen_in_training(argument, ["plantdoc"]) is None
    assert seen_in_training("hf-hub:imageomics/bioclip", ["rare-species"]) is None
