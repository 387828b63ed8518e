"""Every part of the run key: runs that differ in it alone have different keys."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.zero_shot import ZeroShot
from workbench.datasets import Dataset, open_dataset
from workbench.models import Encoder, open_model
from workbench.recipes import RecipeConfig, RunSpec, recipes
from workbench.runs import RecipeEntry, Suite, key, plan


class Settings(RecipeConfig):
    """Two files count with what is in them, wherever they lie."""

    rank: int = 1
    first: str = ""
    second: str = ""

    def files(self) -> tuple[str, ...]:
        return (self.first, self.second)


class Filed(ZeroShot):
    """A recipe whose settings name files."""

    Config = Settings


class Raised(Filed):
    """The same recipe after its version was raised."""

    version = Filed.version + ".1"


@dataclass(frozen=True)
class Keyed:
    """All that a key is made of."""

    cell: RunSpec
    dataset: Dataset
    encoder: Encoder | None
    refit: bool = False

    @property
    def key(self) -> str:
        return key.run_key(self.cell, self.dataset, self.encoder, refit=self.refit)

    def but(self, **changes: Any) -> "Keyed":
        """With other values of the cell, or of what stands beside it."""
        own = {name: changes.pop(name) for name in list(changes) if name in {"dataset", "encoder", "refit"}}
        return replace(self, cell=replace(self.cell, **changes), **own)


@pytest.fixture
def base(settings, tiny_model, make_colours, tmp_path):
    paths = [tmp_path / "first.bin", tmp_path / "second.bin"]
    for path in paths:
        path.write_bytes(path.name.encode())
    suite = Suite(
        name="s", models=(tiny_model,), datasets=(str(make_colours()),), shots=(4,), baseline=False,
        recipes=(RecipeEntry(recipe="linear-probe", label="mine"),),
    )  # fmt: skip
    (cell,) = plan(suite)
    config = Settings(first=str(paths[0]), second=str(paths[1]))
    cell = replace(cell, factory=Filed, config=config)
    return Keyed(cell, open_dataset(cell.dataset, settings), open_model(tiny_model, settings))


def renamed(base: Keyed) -> Dataset:
    card = base.dataset.card.model_copy(update={"name": "another"})
    return Dataset(card, base.dataset.manifest, base.dataset._source)


def changed(base: Keyed) -> Dataset:
    """The same images, asked about with another template."""
    prompts = base.dataset.card.prompts.model_copy(update={"templates": ("a drawing of a {}.",)})
    card = base.dataset.card.model_copy(update={"prompts": prompts})
    return Dataset(card, base.dataset.manifest, base.dataset._source)


CHANGES: dict[str, Callable[[Keyed], tuple[Keyed, ...]]] = {
    "dataset name": lambda base: (base.but(dataset=renamed(base)),),
    "dataset fingerprint": lambda base: (base.but(dataset=changed(base)),),
    "recipe": lambda base: (base.but(recipe="gda"),),
    "recipe version": lambda base: (base.but(factory=Raised),),
    "config": lambda base: (base.but(config=base.cell.config.model_copy(update={"rank": 2})),),
    "label": lambda base: (base.but(label="other"),),
    "shots": lambda base: (base.but(shots=5), base.but(shots=None)),
    "seed": lambda base: (base.but(seed=1),),
    "refit": lambda base: (base.but(refit=True),),
}


@pytest.mark.parametrize("part", CHANGES)
def test_another_value_is_another_run(base, part):
    assert base.key not in [other.key for other in CHANGES[part](base)]


def test_other_weights_another_precision_or_no_model_are_another_run(base, settings, tiny_model):
    other = open_model(tiny_model, settings.model_copy(update={"precision": "bf16"}))
    assert base.encoder is not None
    assert other.name == base.encoder.name
    assert len({base.key, base.but(encoder=other).key, base.but(encoder=None).key}) == 3


def test_another_protocol_is_another_run(base, monkeypatch):
    before = base.key
    monkeypatch.setattr(key, "PROTOCOL", key.PROTOCOL + ".1")
    assert base.key != before


def test_another_distributions_recipe_of_the_same_name_is_another_run(base, monkeypatch):
    before, owner = base.key, recipes.distribution(base.cell.recipe)
    assert owner.name == "clip-workbench"
    monkeypatch.setattr(recipes, "distribution", lambda _: dataclasses.replace(owner, name="probes"))
    assert base.key != before


def test_a_release_of_the_distribution_is_none(base, monkeypatch):
    before, provider = base.key, recipes.provider(base.cell.recipe)
    monkeypatch.setattr(type(recipes._point(base.cell.recipe).dist), "version", "99.0")
    assert recipes.provider(base.cell.recipe) != provider
    assert base.key == before


def test_what_is_in_each_file_of_the_settings_counts(base):
    keys = [base.key]
    for path in base.cell.config.files():
        Path(path).write_bytes(b"other content")
        keys.append(base.key)
    assert len(set(keys)) == 3


def test_equal_parts_give_one_key(base, settings, tiny_model):
    again = Keyed(replace(base.cell), open_dataset(base.cell.dataset, settings), open_model(tiny_model, settings))
    assert again.key == base.key
    # How model and data were called is no part of the result.
    assert base.but(model="spelt otherwise", dataset=base.dataset).key == base.key
