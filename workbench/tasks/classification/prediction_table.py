"""The table in which predictions of classes are kept.

Columns are `id`, `group`, `label` (index, or list of indices), `scores`, and where there are any `domain`, `unknown`.
`observation` and `region` are those of the item.
`scores_order_2` and so on are the scores of an online predictor's other orders, `subgroup_sex` and so on the subgroups.
Images of classes that no recipe was told of come last, with the label -1 and their class in `unknown_class`.
The metadata holds `class_names` and, where there are any, `class_keys`, `unseen`, `source_domains`, `positive`,
`choices`, `taxonomy`, `bands`, `checklists` and, beside unknown classes, `scale`, all as JSON.
"""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.arrays import AnyArray, FloatArray
from workbench.metrics.hierarchy import Taxonomy
from workbench.tasks.classification.choices import Choices
from workbench.tasks.classification.unknown_items import UnknownItems

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.tasks.classification.predictions import ClassPredictions

_ORDER = "scores_order_"
_SUBGROUP = "subgroup_"
_UNKNOWN = "unknown_class"
_OF_ITEMS = {"domain": "domains", "observation": "observations", "region": "regions"}
_METADATA = ("class_names", "class_keys", "unseen", "source_domains", "bands", "checklists")


def table_of(predictions: "ClassPredictions") -> "pa.Table":
    """The table of predictions."""
    import pyarrow as pa

    columns = {
        "id": pa.array(list(predictions.ids), pa.string()),
        "group": pa.array(list(predictions.groups), pa.string()),
        "scores": _score_rows(predictions.scores),
        **{f"{_ORDER}{i}": _score_rows(scores) for i, scores in enumerate(predictions.other_orders, 2)},
    }
    for name, values in predictions.subgroups.items():
        columns[f"{_SUBGROUP}{name}"] = pa.array(list(values), pa.string())
    for column, field in _OF_ITEMS.items():
        if (texts := getattr(predictions, field)) is not None:
            columns[column] = pa.array(list(texts), pa.string())
    if predictions.labels is not None:
        if predictions.labels.ndim == 2:
            columns["label"] = _listed(predictions.labels == 1)
            if np.isnan(predictions.labels).any():
                columns["unknown"] = _listed(np.isnan(predictions.labels))
        else:
            columns["label"] = pa.array(predictions.labels)
    metadata = {name: getattr(predictions, name) for name in _METADATA}
    if predictions.taxonomy is not None:
        metadata["taxonomy"] = predictions.taxonomy.to_dict()
    if predictions.positive != 1:
        metadata["positive"] = predictions.positive
    if predictions.choices is not None:
        metadata["choices"] = predictions.choices.to_dict()
    table = pa.table(columns)
    if (unknown := predictions.unknown_items) is not None:
        metadata["scale"] = unknown.scale
        table = pa.concat_tables(
            [table, _unknown_rows(unknown, len(predictions.other_orders))], promote_options="default"
        )
    return table.replace_schema_metadata(
        {key: json.dumps(value) for key, value in metadata.items() if value or key == "positive"}
    )


def values_of(table: "pa.Table") -> dict[str, Any]:
    """The fields of predictions by name.

    Raises:
        ValueError: Columns do not fit one another, or are not there.
    """
    import pyarrow as pa

    metadata = table.schema.metadata or {}
    unknown_items = None
    if _UNKNOWN in table.column_names:
        unknown_items = _unknown_items(table, float(json.loads(metadata[b"scale"])))
        table = table.filter(table.column(_UNKNOWN).is_null())
    names = tuple(json.loads(metadata[b"class_names"]))
    keys = tuple(json.loads(metadata[b"class_keys"])) if b"class_keys" in metadata else None
    unseen = tuple(json.loads(metadata.get(b"unseen", b"[]")))
    ids, groups = table.column("id").to_pylist(), table.column("group").to_pylist()

    def read(name: str) -> FloatArray:
        values = _scores_in(table, name, len(names))
        if len(values) != len(ids):
            raise ValueError(f"{len(values)} rows of {name} for {len(ids)} items")
        return values

    scores = read("scores")
    others = tuple(read(name) for name in table.column_names if name.startswith(_ORDER))
    labels: AnyArray | None = None
    if "label" in table.column_names:
        listed = table.column("label")
        if pa.types.is_list(listed.type):
            labels = np.zeros((len(ids), len(names)), dtype=np.bool_)
            for i, indices in enumerate(listed.to_pylist()):
                labels[i, indices] = True
            if "unknown" in table.column_names:
                labels = labels.astype(np.float32)
                for i, indices in enumerate(table.column("unknown").to_pylist()):
                    labels[i, indices] = np.nan
        else:
            labels = np.asarray(listed.to_pylist(), dtype=np.int64)
            if len(labels) and labels.max() >= len(names):
                raise ValueError(f"label {labels.max()} of {len(names)} classes")
    positive = json.loads(metadata.get(b"positive", b"1"))
    sources = tuple(json.loads(metadata.get(b"source_domains", b"[]")))
    subgroups = {
        name.removeprefix(_SUBGROUP): table.column(name).to_pylist()
        for name in table.column_names
        if name.startswith(_SUBGROUP)
    }
    choices = Choices.from_dict(json.loads(metadata[b"choices"])) if b"choices" in metadata else None
    return {
        "ids": ids,
        "groups": groups,
        "labels": labels,
        "scores": scores,
        "class_names": names,
        "class_keys": keys,
        "unseen": unseen,
        "positive": positive,
        **{
            field: table.column(column).to_pylist() if column in table.column_names else None
            for column, field in _OF_ITEMS.items()
        },
        "source_domains": sources,
        "other_orders": others,
        "subgroups": subgroups,
        "choices": choices,
        "unknown_items": unknown_items,
        "taxonomy": Taxonomy.from_dict(json.loads(metadata[b"taxonomy"])) if b"taxonomy" in metadata else None,
        "checklists": {
            region: tuple(classes) for region, classes in json.loads(metadata.get(b"checklists", b"{}")).items()
        },
        "bands": tuple(json.loads(metadata.get(b"bands", b"[]"))),
    }


def _unknown_rows(items: UnknownItems, orders: int) -> "pa.Table":
    import pyarrow as pa

    # Lists of a fixed size that are null cannot be read again.
    blank = np.full_like(items.scores, np.nan)

    return pa.table(
        {
            "id": pa.array(list(items.ids), pa.string()),
            "group": pa.array(list(items.groups), pa.string()),
            "scores": _score_rows(items.scores),
            **{f"{_ORDER}{i}": _score_rows(blank) for i in range(2, 2 + orders)},
            "label": pa.array(np.full(len(items.ids), -1)),
            _UNKNOWN: pa.array(list(items.classes), pa.string()),
        }
    )


def _unknown_items(table: "pa.Table", scale: float) -> UnknownItems:
    rows = table.filter(table.column(_UNKNOWN).is_valid())
    ids, groups, classes = (rows.column(name).to_pylist() for name in ("id", "group", _UNKNOWN))
    width = table.schema.field("scores").type.list_size
    return UnknownItems(ids, groups, classes, _scores_in(rows, "scores", width), scale)


def _score_rows(scores: FloatArray) -> "pa.Array":
    import pyarrow as pa

    values = pa.array(np.ascontiguousarray(scores).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(values, scores.shape[1])


def _scores_in(table: "pa.Table", name: str, width: int) -> FloatArray:
    return np.asarray(table.column(name).combine_chunks().flatten(), dtype=np.float32).reshape(-1, width)


def _listed(chosen: AnyArray) -> "pa.Array":
    """Positions of the true cells of each row of (n, c)."""
    import pyarrow as pa

    return pa.array([np.flatnonzero(row).tolist() for row in chosen], pa.list_(pa.int64()))
