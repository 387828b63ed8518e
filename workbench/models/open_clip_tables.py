"""Architectures and pretrained tags of open_clip, read from its files: importing it takes seconds, for torch."""

import ast
import copy
import json
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.errors import ModelError


@cache
def _architectures() -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted((_package() / "model_configs").glob("*.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        if {"embed_dim", "vision_cfg", "text_cfg"} <= config.keys():
            found[path.stem] = config
    return found


def architecture_configs() -> dict[str, dict[str, Any]]:
    """Configurations by name; those that a program has added to open_clip (`add_model_config`) are among them."""
    loaded: Any = sys.modules.get("open_clip.factory")
    added = {} if loaded is None else {name: loaded.get_model_config(name) for name in loaded.list_models()}
    return {**_architectures(), **added}


@cache
def pretrained_tags() -> dict[str, dict[str, dict[str, Any]]]:
    """What open_clip knows of each pretrained tag (where it is, its normalisation, its activation), by architecture."""
    tree = ast.parse((_package() / "pretrained.py").read_text(encoding="utf-8"))
    constants: dict[str, Any] = {"copy": copy}
    exec(compile((_package() / "constants.py").read_text(encoding="utf-8"), "constants.py", "exec"), constants)  # noqa: S102
    # The library's own statements, but for its imports and for what downloads, whose annotations need the imports.
    kept: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.For | ast.Expr | ast.If)
        or (isinstance(node, ast.FunctionDef) and node.name.endswith("cfg") and node.name.startswith("_"))
    ]
    try:
        exec(compile(ast.Module(kept, []), "pretrained.py", "exec"), constants)  # noqa: S102
        tags: dict[str, dict[str, dict[str, Any]]] = constants["_PRETRAINED"]
    except (NameError, KeyError):  # Another layout of a later version.
        from open_clip import pretrained

        tags = pretrained._PRETRAINED
    return tags


def _package() -> Path:
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise ModelError("open_clip is not installed; install it with `pip install open_clip_torch`.")
    return Path(spec.origin).parent
