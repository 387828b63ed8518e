"""Packages to start from; the templates are the files in `recipe/`."""

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from workbench._version import __version__
from workbench.errors import WorkbenchError
from workbench.outputs import write_output

_TEMPLATES = {
    "pyproject.toml.template": "pyproject.toml",
    "README.md.template": "README.md",
    "recipe.py.template": "src/{package}/__init__.py",
    "test_recipe.py.template": "tests/test_{package}.py",
}


def write_recipe_package(name: str, parent: Path) -> Path:
    """Write an installable package with one recipe and a test.

    Args:
        name: The recipe's name: lower case, digits, dashes.
        parent: Folder in which `NAME/` is made.

    Returns:
        The package's folder.

    Raises:
        WorkbenchError: The name cannot be one, or the folder exists.
    """
    package = name.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or keyword.iskeyword(package):
        raise WorkbenchError(f"recipe name {name!r}: use lower-case words joined by dashes, for example my-probe.")
    folder = parent / name
    if folder.exists():
        raise WorkbenchError(f"{folder} exists already; choose another name, or --to another folder.")
    class_name = "".join(word.capitalize() for word in name.split("-"))
    words = {"name": name, "package": package, "class_name": class_name, "version": __version__}
    for template, place in _TEMPLATES.items():
        text = (files(__package__) / "recipe" / template).read_text(encoding="utf-8")
        target = folder / place.format(package=package)
        write_output(target, Template(text).substitute(words).encode())
    return folder
