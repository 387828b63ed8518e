"""No number moves under a version that stays: whoever changes a result raises PROTOCOL or the recipe's version."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import file
from tests.golden.numbers import golden_recipes

GOLDEN = file.read()


@pytest.fixture(scope="module")
def numbers():
    """Computed in a process of their own, in which the mathematical library does the same on every processor."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden", "--show"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [file.EVALUATION, *golden_recipes()])
def test_numbers_are_golden(name, numbers):
    version, _ = file.parts()[name]
    said = file.complaint(name, version, numbers[name], GOLDEN)
    assert not said, said


def test_the_file_has_no_part_that_is_gone():
    assert set(GOLDEN) == set(file.parts()), "`python -m tests.golden` writes the golden file anew."


def test_every_part_has_numbers_that_say_something():
    for name, part in GOLDEN.items():
        assert part["numbers"], name


GOOD = {"x": {"version": "1", "numbers": {"a": 1.0, "b": 2.0}}}


@pytest.mark.parametrize(
    ("version", "numbers", "said"),
    [
        ("1", {"a": 1.000001, "b": 2.0}, None),
        ("1", {"a": 1.0001, "b": 2.0}, r"a: 1 is 1.0001 now(.|\n)*raise the `version` of recipe x"),
        ("1", {"a": 1.0}, r"b: 2 is nan now(.|\n)*raise"),
        ("1", {"a": float("nan"), "b": 2.0}, "a: 1 is nan now"),
        ("2", {"a": 5.0, "b": 2.0}, r"is '2', the golden numbers are of '1': `python -m tests.golden`"),
        ("1", {"a": 1.0, "b": 2.0, "c": 3.0}, r"new numbers \(c\)"),
    ],
)
def test_what_is_said(version, numbers, said):
    import re

    found = file.complaint("x", version, numbers, GOOD)
    assert not found if said is None else re.search(said, found)


def test_the_evaluation_has_the_protocol_for_its_version():
    golden = {file.EVALUATION: {"version": "1", "numbers": {"a": 1.0}}}
    assert "raise PROTOCOL in workbench/metrics/protocol.py" in file.complaint(file.EVALUATION, "1", {"a": 2.0}, golden)
