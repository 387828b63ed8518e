"""The drawing in docs/architecture.md holds: floors import from below."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def floors():
    """Package to floor, the lowest being 0."""
    drawn = TEXT.partition("```text\n")[2].partition("```")[0]
    found, own = [], []
    for line in reversed([line for line in drawn.splitlines() if line.strip() != "|"]):
        own += line[25:].split()
        if not line.startswith(" "):  # Its name is there; a floor may take two lines.
            found.append(own)
            own = []
    return {name: level for level, names in enumerate(found) for name in names}


def imported(tree):
    """Modules that are imported when the code runs, at once or later."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        yield from imported(node)


def modules(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT), set(imported(ast.parse(path.read_text(encoding="utf-8"))))


def part_of(module):
    """`workbench.runs.key` is `runs`; other packages of the repository are parts of their own."""
    first, *rest = module.split(".")
    return rest[0] if first == "workbench" and rest else first


def test_nothing_imports_from_a_floor_above():
    level, wrong = floors(), []
    assert level["metrics"] < level["datasets"] < level["tasks"] < level["runs"] < level["reports"] < level["cli"]
    for package in ("workbench", "dashboards"):
        for path, names in modules(package):
            mine = part_of(".".join(path.with_suffix("").parts))
            if mine in {"__init__", "_version", "plugin"}:
                continue
            assert mine in level, f"{path}: docs/architecture.md does not say on which floor {mine} is"
            used = {part_of(name) for name in names if name.startswith(("workbench.", "dashboards"))}
            wrong += [f"{path} imports {other}" for other in used & level.keys() if level[other] > level[mine]]
    assert wrong == []


def test_recipes_and_cards_stand_outside():
    for path, names in modules("adapters"):
        assert {name for name in names if name.startswith("workbench")} <= {"workbench.plugin"}, path
    named = {name for _, names in modules("workbench") for name in names}
    assert not {name for name in named if name.startswith(("adapters", "benchmarks"))}


@pytest.mark.parametrize("path", re.findall(r"`((?:workbench|tests|adapters|benchmarks|dashboards)/[\w/.]+)`", TEXT))
def test_what_is_named_is_there(path):
    if not any(word in path for word in ("NAME", "KIND", "TASK")):
        assert (ROOT / path).exists()
