"""Pydantic's errors as one sentence that names the key as written in the file."""

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from workbench.registry import closest

Location = tuple[int | str, ...]


def explain(error: ValidationError, model: type[BaseModel], chosen: Mapping[str, type[BaseModel]] | None = None) -> str:
    """A sentence on the error of one key, with "did you mean" for an unknown one.

    Args:
        error: Raised while `model` was validated.
        model: The model that it was validated by.
        chosen: Key to the model that checked its value, where `model` leaves that open.

    Returns:
        A sentence on the first unknown key, since a misspelt key is often why another is missing; else on the first
        complaint.
    """
    complaints = error.errors()
    first = next((complaint for complaint in complaints if complaint["type"] == "extra_forbidden"), complaints[0])
    key, known = _follow(first["loc"], model, chosen or {})
    if first["type"] == "extra_forbidden":
        hint = closest(str(first["loc"][-1]), known) or " Known: " + ", ".join(known) + "."
        return f"unknown key {key!r}.{hint}"
    # A key that may be of several types has a complaint for each.
    messages = dict.fromkeys(
        _message(complaint["msg"])
        for complaint in complaints
        if _follow(complaint["loc"], model, chosen or {})[0] == key
    )
    begin, *others = messages
    # The messages of our checks over several keys name the keys.
    where = f"{key or 'the file'}: " if key or first["type"] != "value_error" else ""
    return f"{where}{begin}{''.join(f', or {complaint[:1].lower()}{complaint[1:]}' for complaint in others)}."


def _message(text: str) -> str:
    # Files have lists, which only the models turn into tuples.
    return text.removeprefix("Value error, ").replace("a valid tuple", "a valid list")


def _follow(location: Location, model: type[BaseModel], chosen: Mapping[str, type[BaseModel]]) -> tuple[str, list[str]]:
    """The key as written in the file, and the known keys of its table.

    Pydantic puts names between the file's keys: the chosen variant of a union, or the type that it tried.
    """
    key: list[str] = []
    current: Any = model
    known: list[str] = []
    for part in location:
        current = _without_none(current)
        if _is_union(current):
            current = next((variant for variant in get_args(current) if _is_variant(variant, part)), None)
            continue
        if part == "[key]":
            continue
        known = [field.alias or name for name, field in current.model_fields.items()] if _is_model(current) else []
        key.append(str(part))
        current = chosen.get(".".join(key)) or _below(current, part)
    return ".".join(key), known


def _below(annotation: Any, part: int | str) -> Any:
    """The type of the value of a table's key, or of a list's element."""
    if _is_model(annotation):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return fields[str(part)].annotation if part in fields else None
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
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        return _without_none(members[0]) if len(members) == 1 else annotation
    return annotation


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_variant(annotation: Any, tag: int | str) -> bool:
    """Whether the model `annotation` has a field that can only be `tag`, as variants of a discriminated union do."""
    fields = annotation.model_fields.values() if _is_model(annotation) else ()
    return any(get_origin(field.annotation) is Literal and tag in get_args(field.annotation) for field in fields)
