"""Finished runs, and real servers of them on free ports."""

import threading
from contextlib import contextmanager

import pytest

from tests.runs.halves import write_halves
from workbench.runs import RecipeEntry, Suite, run_suite
from workbench.runs.usable import UsableRun
from workbench.serving.server import open_server
from workbench.settings import Settings

HALVES = {"left": [0, 0, 16, 32], "right": [16, 0, 32, 32]}


def an_instruction(left, right, rng):
    side = str(rng.choice(list(HALVES)))
    answer = list(HALVES).index(side)
    return {"boxes": list(HALVES.values()), "said": [{"text": f"take the {side} one", "answer": answer}]}


def a_label(left, right, rng):
    return {"label": left}


@pytest.fixture(scope="session")
def grounding(tmp_path_factory, tiny_model):
    """A relation-head on two halves of pictures, and the folder of the pictures."""
    columns = {"boxes": "boxes", "instruction": "said"}
    entry = RecipeEntry(recipe="relation-head", config={"epochs": 2, "scales": [10.0], "words": 1})
    return made(tmp_path_factory.mktemp("grounding"), tiny_model, "grounding", columns, an_instruction, entry)


@pytest.fixture(scope="session")
def classification(tmp_path_factory, tiny_model):
    """A probe of the colour on the left."""
    entry = RecipeEntry(recipe="linear-probe")
    return made(
        tmp_path_factory.mktemp("labels"), tiny_model, "classification", {"label": "label"}, a_label, entry
    )  # fmt: skip


def made(folder, model, task, columns, describe, entry):
    card = write_halves(folder, task, columns, describe)
    settings = Settings(cache=folder / "cache", runs=folder / "runs", precision="fp32", device="cpu")
    suite = Suite(name="s", models=(model,), datasets=(str(card),), recipes=(entry,), figures=False, baseline=False)
    (found,) = run_suite(suite, settings)
    return UsableRun.open(found.run_id, settings), folder


@contextmanager
def serving(run, **options):
    """The URL of a server that runs in a thread of this process."""
    server = open_server(run, port=0, **options)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.url
    finally:
        server.stop()
        thread.join(timeout=60)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def ground_url(grounding):
    """A server of `grounding`."""
    with serving(grounding[0]) as url:
        yield url


@pytest.fixture(scope="module")
def class_url(classification):
    """A server of `classification` with narrow limits."""
    from workbench.serving.limits import Limits

    limits = Limits(bytes=200_000, pixels=10_000, images=3, texts=2, characters=50, boxes=2, seconds=1.0)
    with serving(classification[0], limits=limits, origins=("http://127.0.0.1:8000",)) as url:
        yield url
