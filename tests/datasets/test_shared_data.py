"""Real data, where it is at hand: folders with metadata, groups, Parquet and JSONL."""

import os
from pathlib import Path

import pytest

from workbench.datasets import open_card, open_dataset
from workbench.datasets.card_reading import parse_card
from workbench.settings import Settings

DATA = os.environ.get("WORKBENCH_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="WORKBENCH_DATA is not set, so there is no real data to read")


@pytest.fixture
def real(tmp_path):
    def opened(name: str, card: str | None = None):
        root = Path(DATA or "")
        if not (root / name).is_dir():
            pytest.skip(f"{root / name} is not there")
        settings = Settings(cache=tmp_path / "cache", data=root)
        if card is None:
            return open_dataset(str(root / name), settings)
        return open_card(parse_card(card, name), None, settings)

    return opened


def sizes(dataset) -> tuple[int, ...]:
    return tuple(len(dataset.rows(split)) for split in ("train", "val", "test"))


def test_grocery_store(real):
    dataset = real("grocery-store")
    assert sizes(dataset) == (2640, 296, 2485)
    assert len(dataset.class_names) == 81
    # The folder holds more than the table names: clean product pictures, their descriptions, a licence.
    pictures, descriptions, licence = dataset.notes
    assert pictures.startswith("Left out: 81 images that metadata.csv does not name (iconic/")
    assert descriptions == "Not read: descriptions.csv. A table is read where it is called metadata.csv."
    assert licence == "1 file of types that are not read: 1 without suffix (LICENSE)."
    assert dataset.extra([0])[0].keys() == {"coarse_label"}


def test_blood_cells_keep_smears_apart(real):
    dataset = real("chula-rbc12")
    assert sum(sizes(dataset)) == 4192
    assert len(dataset.class_names) == 12
    smears = [set(dataset.groups(dataset.rows(split)).tolist()) for split in ("train", "val", "test")]
    assert not (smears[0] & smears[1] or smears[0] & smears[2] or smears[1] & smears[2])


def test_flowers(real):
    files = ", ".join(f'{split} = "flowers102/{split}.parquet"' for split in ("train", "val", "test"))
    dataset = real(
        "flowers102", f'name = "f"\n[source]\ntype = "parquet"\npath = {{{files}}}\n[columns]\nlabel = "label"\n'
    )
    assert (sum(sizes(dataset)), len(dataset.class_names)) == (2502, 89)
    assert dataset.read(int(dataset.rows("test")[0]))[:2] == b"\xff\xd8"


def test_nlvr(real):
    card = (
        'name = "n"\ntask = "matching"\n[source]\ntype = "jsonl"\n'
        'path = {val = "nlvr/dev.jsonl", test = "nlvr/test.jsonl"}\n'
        '[columns]\nimage = "file_name"\nlabel = "label"\ncaption = "sentence"\n'
    )
    dataset = real("nlvr", card)
    assert sum(sizes(dataset)) == 1979
    assert dataset.class_keys == ("false", "true")
    assert isinstance(dataset.extra([0])[0]["scene"][0][0]["size"], int)
