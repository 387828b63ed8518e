"""A card's table `[source]`, checked by the kind of source that it names."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainValidator, SerializeAsAny, ValidationError
from pydantic_core import PydanticCustomError

from workbench.errors import WorkbenchError
from workbench.registry import closest
from workbench.texts import shown

SplitName = Literal["train", "val", "test"]


class Section(BaseModel):
    """A table of a card; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceTable(Section):
    """The table `[source]` of a card. Each kind of source has a subclass with the keys that it reads.

    Attributes:
        type: Name under which the kind of source is registered.
    """

    type: str


def table_class(values: object) -> type[SourceTable]:
    """The class that checks a table `[source]`.

    Args:
        values: The table as the card has it.

    Raises:
        ValidationError: It is no table, its `type` is missing or not installed, or the plug-in that has it is broken.
    """
    # Not at the top: sources are described by their tables.
    from workbench.datasets.sources import sources

    if not isinstance(values, Mapping):
        raise _refused((), "Input should be a valid table", values)
    source_type, known = values.get("type"), sources.names()
    if not known:
        message = "no kind of source is installed, so clip-workbench is of an earlier version; install it again"
        raise _refused(("type",), message, source_type)
    if not isinstance(source_type, str):
        raise _refused(("type",), f"expected a kind of source, one of: {', '.join(known)}", source_type)
    if source_type not in known:
        hint = closest(source_type, known)
        message = f"no kind of source is called {shown(repr(source_type), 80)}.{hint} Installed are: {', '.join(known)}"
        raise _refused(("type",), message, source_type)
    try:
        return sources.get(source_type).Table
    except WorkbenchError as error:
        raise _refused(("type",), str(error).removesuffix("."), source_type) from error


def _refused(key: tuple[str, ...], message: str, value: object) -> ValidationError:
    complaint = PydanticCustomError("source", "{message}", {"message": message})
    return ValidationError.from_exception_data("SourceTable", [{"type": complaint, "loc": key, "input": value}])


def _checked(values: Any) -> SourceTable:
    return values if isinstance(values, SourceTable) else table_class(values).model_validate(values)


AnySource = Annotated[SerializeAsAny[SourceTable], PlainValidator(_checked)]
"""A table of any kind of source; kinds are looked up when a card is read."""
