"""Features in pieces: together all that the runs need, each once, and cut where forward passes end."""

import numpy as np
import pytest

from tests.executors.suites import Told, suite_of
from tests.runs.places import write_domains
from workbench.datasets import open_dataset
from workbench.runs import Suite, pieces
from workbench.runs.pieces import count_pieces, rows_of_piece
from workbench.runs.planned import cell_of, fitted_together, prepare_runs
from workbench.settings import Settings


@pytest.fixture
def suite(tiny_model, write_colours, tmp_path):
    return suite_of(tiny_model, write_colours(tmp_path / "colours"))


@pytest.fixture
def planned(suite, tmp_path):
    settings = Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", precision="fp32", device="cpu")
    return list(fitted_together(prepare_runs(suite, settings, Told())))


def rows_of(batches, piece, pieces):
    return [rows for _, rows in rows_of_piece(batches, piece, pieces)]


def test_pieces_hold_each_image_that_the_runs_read_once(planned, monkeypatch):
    monkeypatch.setattr(pieces, "BLOCK", 4)
    runs = [run for batch in planned for run in batch]
    read = {int(row) for run in runs for part in ("train", "val", "test") for row in run.task.rows(run.spec).seen(part)}
    cut = [np.concatenate(rows_of(planned, i, 3)).tolist() for i in range(3)]
    assert sorted(row for piece in cut for row in piece) == sorted(read)
    assert max(map(len, cut)) <= 2 * min(map(len, cut))


def test_blocks_are_those_of_an_undivided_run(planned, monkeypatch):
    monkeypatch.setattr(pieces, "BLOCK", 4)
    whole = rows_of(planned, 0, 1)
    assert len(whole[0]) > 8, "the test images come first"
    blocks = {tuple(stage[start : start + 4].tolist()) for stage in whole for start in range(0, len(stage), 4)}
    for i in range(2):
        for stage in rows_of(planned, i, 2):
            assert {tuple(stage[start : start + 4].tolist()) for start in range(0, len(stage), 4)} <= blocks


def test_there_are_as_many_pieces_as_workers_or_blocks_of_missing_features(planned, suite, monkeypatch):
    cell = cell_of(planned[0][0].spec, suite)
    assert count_pieces(planned, suite, 8) == {cell: 0}, "fewer images than one block"
    monkeypatch.setattr(pieces, "BLOCK", 4)
    needed = sum(map(len, rows_of(planned, 0, 1)))
    assert count_pieces(planned, suite, 3) == {cell: 3}
    assert count_pieces(planned, suite, 1000) == {cell: -(-needed // 4)}
    for task, rows in rows_of_piece(planned, 0, 1):
        task.prepare(rows)
    assert count_pieces(planned, suite, 8) == {cell: 0}, "nothing is missing"


def test_transfers_from_one_source_are_a_cell_that_reads_each_image_once(tmp_path, tiny_model, monkeypatch):
    card = write_domains(tmp_path / "sites", {"A": 1.0, "B": 0.5}, ("red", "green"))
    suite = Suite.model_validate(
        {
            "name": "t", "models": [tiny_model], "recipes": [{"recipe": "zero-shot"}, {"recipe": "knn"}],
            "transfer": [{"dataset": str(card), "domains": "leave-one-out"}],
        }
    )  # fmt: skip
    settings = Settings(cache=tmp_path / "cache", runs=tmp_path / "runs", precision="fp32", device="cpu")
    planned = list(fitted_together(prepare_runs(suite, settings, Told())))
    assert {cell_of(run.spec, suite) for batch in planned for run in batch} == {(str(card), tiny_model)}
    monkeypatch.setattr(pieces, "BLOCK", 8)
    keys = [
        key.tobytes()
        for i in range(2)
        for task, rows in rows_of_piece(planned, i, 2)
        for key in task.data.dataset.hashes(rows)
    ]
    whole = open_dataset(str(card), settings)
    assert sorted(keys) == sorted(key.tobytes() for key in whole.hashes(whole.rows("all")))
    assert count_pieces(planned, suite, 100) == {(str(card), tiny_model): -(-len(keys) // 8)}
