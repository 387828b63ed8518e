"""Mutations of cards and tables: each is read, or refused in one sentence."""

import itertools
import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.coco_files import instances
from tests.datasets.dwc_files import archive, observations, tabbed
from tests.untidy.untidy import pictures
from workbench.datasets import open_dataset
from workbench.errors import WorkbenchError
from workbench.settings import Settings

CARD = """name = "mine"
title = "Mine"
field = "botany"
task = "classification"
languages = {ja = {templates = ["{} の写真"]}}
[source]
type = "csv"
path = "table.csv"
root = "img"
[columns]
image = "image"
label = "label"
group = "group"
[splits]
seed = 3
test_fraction = 0.3
[prompts]
templates = ["a photo of a {}.", "{}"]
[classes]
red = "red thing"
blue = "blue thing"
"""
TABLE = "image,label,group\n" + "".join(f"{i:02}.png,{('red', 'blue')[i % 2]},g{i % 5}\n" for i in range(12))
ROWS = [{"file_name": f"{i:02}.png", "label": ("red", "blue")[i % 2], "group": f"g{i % 5}"} for i in range(12)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
COCO_CARD = """name = "mine"
[source]
type = "coco"
path = "table.csv"
root = "img"
crops = true
"""
DWC_CARD = """name = "mine"
[source]
type = "darwin-core"
path = "table.csv"
root = "img"
"""
OBSERVATIONS = tabbed([{**row, "associatedMedia": f"{i:02}.png"} for i, row in enumerate(observations(12))])
META = archive(observations(12))["meta.xml"]
PIECES = [
    "", "\x00", "\n", '"', "'", ",", ";", "[", "]", "{", "}", "=", "\t", "é", "\ud800", "NaN", "-1", "1e999", "true",
    "..",
    "/", "\\", "red", "image", "\\ud800", "[source]", "[]", "null", "9" * 40, "{}", "#",
]  # fmt: skip


@st.composite
def mutated(draw, text):
    """The text with one to three pieces of it cut out, replaced, repeated or exchanged."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.sampled_from([0, 1, 2, 5, 20, 60])))
        piece = draw(st.sampled_from([*PIECES, text[start:stop] * 2, text[start:stop][::-1]]))
        text = text[:start] + piece + text[stop:]
    return text


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("mutations")
    pictures(root / "img")
    return root, itertools.count()


@pytest.fixture(scope="module")
def coco(home):
    return json.dumps(instances(home[0] / "img", 3))


def reads_or_refuses(home, card, table, name):
    root, numbers = home
    place = root / f"{next(numbers)}"
    place.mkdir()
    (place / "img").symlink_to(root / "img")
    if card is not None:
        (place / "card.toml").write_bytes(card.encode("utf-8", "surrogatepass"))
        (place / "table.csv").write_bytes(table.encode("utf-8", "surrogatepass"))
    else:
        shutil.copytree(root / "img", place / "data")
        (place / "data" / name).write_bytes(table.encode("utf-8", "surrogatepass"))
    argument = str(place / ("card.toml" if card is not None else "data"))
    try:
        dataset = open_dataset(argument, Settings(cache=root / "cache"))
        assert len(dataset.fingerprint)
        assert all("\n" not in note for note in dataset.notes)
    except WorkbenchError as error:
        assert str(error)
        assert " failed to " not in str(error)  # So begins what nobody foresaw.
    finally:
        shutil.rmtree(place)


FEW = settings(
    max_examples=170, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@FEW
@given(card=mutated(CARD))
def test_cards(home, card):
    reads_or_refuses(home, card, TABLE, "table.csv")


@FEW
@given(table=mutated(TABLE))
def test_tables(home, table):
    reads_or_refuses(home, CARD, table, "table.csv")


@FEW
@given(table=mutated(LINES))
def test_metadata_of_a_folder(home, table):
    reads_or_refuses(home, None, table, "metadata.jsonl")


@FEW
@given(data=st.data())
def test_coco(home, coco, data):
    reads_or_refuses(home, COCO_CARD, data.draw(mutated(coco)), "table.csv")


@FEW
@given(table=mutated(OBSERVATIONS))
def test_observations(home, table):
    reads_or_refuses(home, DWC_CARD, table, "table.csv")


@FEW
@given(meta=mutated(META))
def test_descriptions_of_archives(home, meta):
    root, numbers = home
    place = root / f"meta{next(numbers)}"
    place.mkdir()
    for name, text in {**archive(observations(12)), "meta.xml": meta}.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    card = place.with_suffix(".toml")
    card.write_text(f"name = 'mine'\n[source]\ntype = 'darwin-core'\npath = '{place.name}'\nroot = 'img'\n")
    try:
        open_dataset(str(card), Settings(cache=root / "cache"))
    except WorkbenchError as error:
        assert " failed to " not in str(error)
    shutil.rmtree(place)
