"""Pydantic's complaints in one sentence that names the key as the file has it."""

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from workbench.registry import closest

Location = tuple[int | str, ...]


def explain(error: ValidationError, model: type[BaseModel], chosen: Mapping[str, type[BaseModel]] | None = None) -> str:
    """Say what is wrong with one key, with "did you mean" for one that is not known.

    Args:
        error: Raised while `model` was validated.
        model: What was validated.
        chosen: Key to the model that checked what stands there, where `model` leaves that open.

    Returns:
        A sentence on the first unknown key, since a misspelt key is often why another is missing; else on the first
        complaint.
    """
    complaints = error.errors()
    first = next((own for own in complaints if own["type"] == "extra_forbidden"), complaints[0])
    key, known = _follow(first["loc"], model, chosen or {})
    if first["type"] == "extra_forbidden":
        hint = closest(str(first["loc"][-1]), known) or " Known: " + ", ".join(known) + "."
        return f"unknown key {key!r}.{hint}"
    # A key that may be of several types has a complaint for each.
    same = dict.fromkeys(
        _message(own["msg"]) for own in complaints if _follow(own["loc"], model, chosen or {})[0] == key
    )
    begin, *others = same
    # Our own checks over several keys name them.
    where = f"{key or 'the file'}: " if key or first["type"] != "value_error" else ""
    return f"{where}{begin}{''.join(f', or {own[:1].lower()}{own[1:]}' for own in others)}."


def _message(text: str) -> str:
    # Files have lists; that they become tuples is our affair.
    return text.removeprefix("Value error, ").replace("a valid tuple", "a valid list")


def _follow(location: Location, model: type[BaseModel], chosen: Mapping[str, type[BaseModel]]) -> tuple[str, list[str]]:
    """The key as the file has it, and the keys known where it stands.

    Pydantic puts names between the file's own keys: the chosen variant of a union, or the type that it tried.
    """
    key: list[str] = []
    current: Any = model
    known: list[str] = []
    for part in location:
        current = _without_none(current)
        if _is_union(current):
            current = next((own for own in get_args(current) if _is_variant(own, part)), None)
            continue
        if part == "[key]":
            continue
        known = list(current.model_fields) if _is_model(current) else []
        key.append(str(part))
        current = chosen.get(".".join(key)) or _below(current, part)
    return ".".join(key), known


def _below(annotation: Any, part: int | str) -> Any:
    """The type of what stands under a key of a table or at a place of a list."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return arguments[1]
    return arguments[0] if arguments and origin is not Literal else None


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None` and of `Annotated[X, ...]`: pydantic names neither."""
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    if _is_union(annotation):
        rest = [own for own in get_args(annotation) if own is not types.NoneType]
        return _without_none(rest[0]) if len(rest) == 1 else annotation
    return annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_variant(annotation: Any, tag: int | str) -> bool:
    """Whether the model `annotation` has a field that can only be `tag`, as variants of a discriminated union do."""
    fields = annotation.model_fields.values() if _is_model(annotation) else ()
    return any(get_origin(own.annotation) is Literal and tag in get_args(own.annotation) for own in fields)
