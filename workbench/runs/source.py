"""The source of a recipe: a hash that shows whether the recipe was edited after a run."""

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.recipes import Recipe, recipes
from workbench.runs.broken import BrokenRecipe, recipe_or_broken

_WORKBENCH = "clip-workbench"


@dataclass(frozen=True)
class RecipeSource:
    """A recipe's source.

    Attributes:
        digest: Hash of its module and of the modules of the same package that this one imports; empty if none is found.
        decides: Whether an equal run key with another digest is another result. A built-in recipe of a released
            workbench has its `version` for that; one of an editable install, or of another distribution, may change
            without it.
    """

    digest: str
    decides: bool


def recipe_source(name: str) -> RecipeSource:
    """The source of a registered recipe, as it is on disk.

    Comments, docstrings and layout are no part of it. Modules of other packages are none either: those of the engine
    have the protocol's version, and those of other distributions are recorded with their versions.

    Raises:
        WorkbenchError: There is no such recipe.
    """
    factory: type[Recipe[Any]] = recipe_or_broken(name)
    if issubclass(factory, BrokenRecipe):
        return RecipeSource("", decides=False)
    distribution = recipes.distribution(name)
    released = distribution.name == _WORKBENCH and not distribution.editable and _is_installed(factory.__module__)
    return RecipeSource(_digest(factory.__module__), not released)


@cache
def _digest(module: str) -> str:
    # Once in a process: a module that was imported does not change with its file.
    files = _closure(module)
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        tree = _tree(path)
        digest.update(f"{name}\n".encode())
        digest.update(content if tree is None else _meaning(tree).encode())
    return digest.hexdigest() if files else ""


def _closure(module: str) -> dict[str, Path]:
    """Files of a module and of what it imports from its own top-level package, by module name."""
    top = module.partition(".")[0]
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in files or name.partition(".")[0] != top else _file(name)
        if path is None:
            continue
        files[name] = path
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        waiting += [name.rpartition(".")[0]] * ("." in name)  # Importing a module runs the packages that it lies in.
        tree = _tree(path)
        waiting += [] if tree is None else _imports(tree, package)
    return files


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Names that may be modules, of all imports, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            parents = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    """The file of a module, found without importing it or the packages around it; None if it is no file."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.has_location and spec.origin else None
    for location in spec.submodule_search_locations or []:
        place = Path(location, *rest)
        if place.with_name(f"{place.name}.py").is_file():
            return place.with_name(f"{place.name}.py")
        if (place / "__init__.py").is_file():
            return place / "__init__.py"
        compiled = [
            extension for end in EXTENSION_SUFFIXES if (extension := place.with_name(place.name + end)).is_file()
        ]
        if compiled:
            return compiled[0]
    return None


def _is_installed(module: str) -> bool:
    """Whether a module is in a folder of package managers, where it is not edited."""
    path = _file(module)
    return path is not None and not {"site-packages", "dist-packages"}.isdisjoint(path.parts)


@cache
def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes()) if path.suffix == ".py" else None
    except (SyntaxError, ValueError):
        return None


def _meaning(tree: ast.Module) -> str:
    """A module's syntax tree without docstrings, in a form that does not change with Python's version."""
    return json.dumps(_plain(tree), default=repr)


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(element) for element in node]
    if not isinstance(node, ast.AST):
        return node
    fields = {name: value for name, value in ast.iter_fields(node) if name not in {"kind", "type_comment"}}
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        fields["body"] = node.body[_has_docstring(node) :]
    # Python adds fields to nodes, and what a node does not use is None or empty.
    return [type(node).__name__, {name: _plain(value) for name, value in fields.items() if value not in (None, [])}]


def _has_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None
