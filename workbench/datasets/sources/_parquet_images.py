"""Image columns of Parquet files: bytes, a struct of bytes and path, or paths."""

from typing import Any

from workbench.datasets.walking import is_image_name
from workbench.errors import DataError
from workbench.texts import shown


def image_paths(file: Any, image: str, path: str) -> list[str | None]:
    """The path of each row's image, where the row names a file; None where the table holds its bytes.

    Args:
        file: A `pyarrow.parquet.ParquetFile`.
        image: Its image column.
        path: The file, for messages.

    Raises:
        DataError: The column is of another type, or holds text that names no image file.
    """
    import pyarrow as pa

    kind = file.schema_arrow.field(image).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_paths(file, image, path)
    if pa.types.is_struct(kind) and {"bytes", "path"} <= {kind.field(i).name for i in range(kind.num_fields)}:
        return [name for i in range(file.num_row_groups) for name in _struct_paths(file, image, i)]
    if pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [None] * file.metadata.num_rows
    raise DataError(
        f"{path}: column {image!r} is of type {kind}; an image is bytes, a struct of bytes and path, or a path as text."
    )


def _text_paths(file: Any, image: str, path: str) -> list[str | None]:
    paths: list[str | None] = file.read(columns=[image]).column(0).to_pylist()
    for number, name in enumerate(paths):
        if not name:
            raise DataError(f"{path}, row {number}: {image!r} is empty; it must name an image file.")
        if not is_image_name(name):
            raise DataError(
                f"{path}, row {number}: column {image!r} holds text that names no image file ({shown(name, 40)!r}); it "
                "must hold the images' bytes, or paths that start from the table's folder. Decode base64 first."
            )
    return paths


def _struct_paths(file: Any, image: str, group: int) -> list[str | None]:
    """Of a row group; bytes are looked at only where its statistics do not say that all rows have them."""
    import pyarrow.compute as pc

    about = file.metadata.row_group(group)
    columns = (about.column(i) for i in range(about.num_columns))
    statistics = next((column.statistics for column in columns if column.path_in_schema == f"{image}.bytes"), None)
    if statistics is not None and statistics.has_null_count and statistics.null_count == 0:
        return [None] * about.num_rows
    rows = file.read_row_group(group, columns=[image]).column(0).combine_chunks()
    lacking = pc.is_null(pc.struct_field(rows, "bytes")).to_pylist()
    paths = pc.struct_field(rows, "path").to_pylist()
    return [name if lacks and name else None for name, lacks in zip(paths, lacking, strict=True)]
