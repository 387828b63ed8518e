"""The changes are made where something is computed, each by itself, and the tests that should notice one do."""

import subprocess
import sys

from tests.mutation.bench import ROOT, TARGETS
from tests.mutation.changes import changes

SOURCE = '''"""A module with 1 docstring."""
LEAST: int = 3


def f(a: "list[int]", b=2) -> int:
    found = {"a": a, "b": b}
    if a < b and not a:
        raise ValueError(f"expected {b + 1}")
    print(a, b, sep="")
    return a + b if found else -a
'''


def test_each_kind_of_change_is_made_once():
    found = {change.what for change in changes(SOURCE)}
    assert found == {
        "3 -> 4",
        "{'a': a, 'b': b} -> {'b': b}",
        "{'a': a, 'b': b} -> {'a': a}",
        "a < b and (not a) -> a < b or not a",
        "a < b -> a <= b",
        "not a -> a",
        "print(a, b, sep='') -> pass",
        "print(a, b, sep='') -> print(b, a, sep='')",
        "print(a, b, sep='') -> print(a, b)",
        "a + b if found else -a -> a + b if not found else -a",
        "a + b -> a - b",
        "-a -> a",
    }
    for change in changes(SOURCE):
        compile(change.source, "x.py", "exec")
        assert len(change.source.splitlines()) <= len(SOURCE.splitlines())


def test_what_is_changed_and_what_notices_it_are_there():
    for path, tests in TARGETS.items():
        assert (ROOT / path).is_file()
        assert all((ROOT / each).is_file() for each in tests)


def test_few_shot_samples_are_watched():
    command = [sys.executable, "-m", "tests.mutation.bench", "--only", "few_shot", "--minutes", "0.25"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    row = [cell.strip() for cell in ran.stdout.splitlines()[-1].strip("|").split("|")]
    tried, noticed, survived = map(int, row[1:4])
    assert 0 < tried == noticed + survived
    assert noticed > survived <= 3, ran.stderr  # Three of all change nothing.
