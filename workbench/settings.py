"""Settings: flags, then `WORKBENCH_*` environment variables, then `workbench.toml` or `[tool.workbench]`."""

import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.addresses import is_address
from workbench.errors import WorkbenchError
from workbench.inputs import parse_toml, read_text
from workbench.texts import shown

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Preprocessing = Literal["fast", "reference"]
_PATHS = ("cache", "data", "runs")


def _default_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("clip-workbench", appauthor=False)


class Settings(BaseModel):
    """Places of files and use of the machine; none of it is part of a dataset, model or recipe.

    Attributes:
        cache: Features, manifests and generated data.
        features: Address of a feature store in an object store (`s3://bucket/prefix`), which is asked for features that
            the cache lacks before they are computed; its shards are copied into the cache.
        publish_features: What is computed here is added to that store.
        data: Folder of local data; a card's relative source path is looked up beside the card, then here.
        runs: Folder of the default MLflow store (`mlflow.db` and `artifacts/`).
        tracking_uri: An MLflow tracking URI; `MLFLOW_TRACKING_URI` fills it, and None means the default store.
        device: `auto`, `cpu`, `cuda` or `cuda:n`.
        precision: `auto` takes bf16 where the device computes it natively, else fp32.
        preprocessing: `fast` resizes 8-bit pixels and normalises them on the device, where the model's transform can be
            done so; `reference` is the model's own transform.
        workers: Threads that decode images; 0 means one per usable core.
        max_unreadable: Share of a split (0..1) that may be unreadable before a run fails.
        hash_ids: Runs record pseudonyms in place of ids, groups and names of files; a card may ask for that, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cache: Path = Field(default_factory=_default_cache)
    features: str | None = None
    publish_features: bool = False
    data: Path | None = None
    runs: Path = Path("runs")
    tracking_uri: str | None = None
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:[0-9]{1,4})?)$")
    precision: Precision = "auto"
    preprocessing: Preprocessing = "fast"
    workers: int = Field(default=0, ge=0)
    max_unreadable: float = Field(default=0.01, ge=0, le=1)
    hash_ids: bool = False

    @field_validator(*_PATHS, "tracking_uri")
    @classmethod
    def _can_be_a_name(cls, value: Path | str | None) -> Path | str | None:
        if value is not None and "\0" in str(value):
            raise ValueError("a name cannot hold a NUL character")
        return value

    @field_validator("features")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not is_address(value):
            raise ValueError("expected an address in an object store, such as s3://bucket/prefix")
        return value

    @classmethod
    def load(cls, start: Path | None = None, **flags: Any) -> Self:
        """Merge the three sources.

        Args:
            start: Folder whose `workbench.toml` or `pyproject.toml` is read; the current one if None.
            flags: Values from the command line; None means not given.

        Raises:
            WorkbenchError: A value or key is wrong; the message says which and where it came from.
        """
        return cls._merged(start, flags, {key: f"--{key.replace('_', '-')}" for key in flags})

    @classmethod
    def from_keywords(cls, **keywords: Any) -> Self:
        """As `load`, with values that a Python program gives; messages name them as it does."""
        return cls._merged(None, keywords, {key: key for key in keywords})

    @classmethod
    def _merged(cls, start: Path | None, keywords: dict[str, Any], names: dict[str, str]) -> Self:
        values: dict[str, Any] = {}
        origin: dict[str, str] = {}
        for source_values, source_origins in (_from_files(start or Path.cwd()), _from_environment(cls.model_fields)):
            values.update(source_values)
            origin.update(source_origins)
        if "tracking_uri" not in values and os.environ.get("MLFLOW_TRACKING_URI"):
            values["tracking_uri"] = os.environ["MLFLOW_TRACKING_URI"]
            origin["tracking_uri"] = "MLFLOW_TRACKING_URI"
        for key, value in keywords.items():
            if value is not None:
                values[key] = value
                origin[key] = names[key]
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0])
            message = first["msg"].removeprefix("Value error, ")
            shown_value = shown(repr(values.get(key)), 200)
            raise WorkbenchError(f"{origin.get(key, key)}: {message}, got {shown_value}.") from error


def _from_files(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """`workbench.toml` wins over `[tool.workbench]`; relative paths in them are relative to the file."""
    for name, table in (("workbench.toml", ()), ("pyproject.toml", ("tool", "workbench"))):
        path = folder / name
        if not path.is_file():
            continue
        content: Any = parse_toml(read_text(path), str(path))
        for i, key in enumerate(table):
            content = content.get(key, {})
            if not isinstance(content, dict):
                raise WorkbenchError(f"{path}: {'.'.join(table[: i + 1])} is not a table; write [{'.'.join(table)}].")
        if content:
            content_values = {
                key: folder / value if key in _PATHS and isinstance(value, str) else value
                for key, value in content.items()
            }
            return content_values, {key: f"{path}: {key}" for key in content_values}
    return {}, {}


def _from_environment(fields: Any) -> tuple[dict[str, Any], dict[str, str]]:
    names = {key: f"WORKBENCH_{key.upper()}" for key in fields}
    values = {key: os.environ[name] for key, name in names.items() if os.environ.get(name)}
    return values, {key: names[key] for key in values}
