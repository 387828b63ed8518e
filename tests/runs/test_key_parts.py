"""Each part of the run key by itself, on real datasets without a model in memory; quick, for `tests/mutation`."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.features.subjects import TinyEncoder
from workbench.datasets import open_dataset
from workbench.errors import RecipeError
from workbench.recipes import RecipeConfig, RunSpec, recipes
from workbench.runs.key import run_key


class WithFile(RecipeConfig):
    """Settings that name a file."""

    file: str = ""
    rank: int = 1
    folder: Path = Path("somewhere")  # Not every value is one that JSON has.

    def files(self):
        return (self.file,) if self.file else ()


@pytest.fixture
def spec():
    factory = recipes.get("zero-shot")
    return RunSpec("m", "d", "zero-shot", "zero-shot", factory, WithFile(), shots=4, seed=0)


@pytest.fixture
def dataset(make_colours, settings):
    return open_dataset(str(make_colours()), settings)


def test_the_same_run_has_the_same_key(spec, dataset):
    keys = {run_key(spec, dataset, TinyEncoder(), refit=False) for _ in range(2)}
    keys.add(run_key(replace(spec, model="called otherwise", dataset="here"), dataset, TinyEncoder(), refit=False))
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_each_part_changes_the_key(spec, dataset, make_colours, settings, tmp_path, monkeypatch):
    class Newer(spec.factory):
        version = "99"

    files = [tmp_path / name for name in ("a.bin", "b.bin")]
    for path in files:
        path.write_bytes(path.name.encode())
    card = dataset.card.model_copy(update={"name": "other"})
    renamed = type(dataset)(card, dataset.manifest, dataset._source)
    bigger = open_dataset(str(make_colours("bigger", test=9)), settings)
    bigger.card = dataset.card  # The name is the same.
    one = spec, dataset, TinyEncoder(), False
    others = [
        (replace(spec, shots=None), *one[1:]),
        (replace(spec, shots=5), *one[1:]),
        (replace(spec, seed=1), *one[1:]),
        (replace(spec, label="mine"), *one[1:]),
        (replace(spec, recipe="linear-probe"), *one[1:]),
        (replace(spec, factory=Newer), *one[1:]),
        (replace(spec, config=WithFile(rank=2)), *one[1:]),
        *((replace(spec, config=WithFile(file=str(path))), *one[1:]) for path in files),
        (spec, renamed, *one[2:]),
        (spec, bigger, *one[2:]),
        (spec, dataset, TinyEncoder("bf16"), False),
        (spec, dataset, None, False),
        (spec, dataset, TinyEncoder(), True),
    ]
    keys = [run_key(*each[:3], refit=each[3]) for each in (one, *others)]
    monkeypatch.setattr("workbench.runs.key.PROTOCOL", "another")
    keys.append(run_key(*one[:3], refit=False))
    assert len(set(keys)) == len(others) + 2


def test_what_is_in_a_file_counts_wherever_it_lies(spec, dataset, tmp_path):
    def key(content):
        path = tmp_path / "weights.bin"
        path.write_bytes(content)
        return run_key(replace(spec, config=WithFile(file=str(path))), dataset, None, refit=False)

    assert key(b"1") == key(b"1") != key(b"2")


def test_another_distribution_is_another_recipe(spec, dataset, monkeypatch):
    mine = run_key(spec, dataset, None, refit=False)
    owner = recipes.distribution("zero-shot")
    monkeypatch.setattr(type(recipes), "distribution", lambda *_: replace(owner, name="a-fork"))
    assert run_key(spec, dataset, None, refit=False) != mine


def test_a_file_that_is_gone_is_named(spec, dataset, tmp_path):
    gone = str(tmp_path / "gone.bin")
    with pytest.raises(RecipeError, match=r"recipe 'zero-shot': .*gone\.bin: cannot be read \(No such file"):
        run_key(replace(spec, config=WithFile(file=gone)), dataset, None, refit=False)
