"""No run holds where its dataset lies or what the machine is called; here the dataset is found all the same."""

import socket

import pyarrow.parquet as pq
import pytest

from workbench.runs import FinishedRun, RecipeEntry, Suite, run_suite
from workbench.settings import Settings


def texts(folder):
    """All texts of a run's artifacts, those in Parquet files included."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield path.name, str(pq.read_table(path).to_pylist())
        elif path.is_file():
            yield path.name, path.read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("with_card", [False, True])
def test_a_record_has_neither_paths_nor_host_names(make_colours, tiny_model, tmp_path, with_card):
    folder = make_colours()
    (folder / "test" / "notes.txt").write_text("x")
    argument = folder
    if with_card:
        argument = tmp_path / "card.toml"
        argument.write_text(
            f'name = "colours"\ntask = "classification"\n[source]\ntype = "folder"\npath = "{folder}"\n'
            '[columns]\nlabel = "label"\n'
        )
    settings = Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", device="cpu", precision="fp32")
    suite = Suite(
        name="private", models=(tiny_model,), datasets=(str(argument),), recipes=(RecipeEntry(recipe="zero-shot"),)
    )
    for result in run_suite(suite, settings):
        run = FinishedRun.open(result.run_id, settings)
        recorded = {**result.tags, **{key: value for key, value in result.params.items() if key != "model"}}
        recorded |= dict(texts(run.artifact("config.json").parent))
        for key, value in recorded.items():
            found = value.replace(tiny_model, "")  # A model is named by its argument.
            assert str(tmp_path) not in found, key
            assert socket.gethostname() not in found or len(socket.gethostname()) < 4, key
        assert run.dataset_argument == str(argument)
        assert run.card.source.type == "folder"
