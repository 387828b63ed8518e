"""Datasets of a run as MLflow knows them: shown beside the run on its pages, and what runs can be filtered by."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_DIGEST = 36
"""MLflow's bound on a digest's length."""


def dataset_input(name: str, digest: str, context: str, place: str, profile: Mapping[str, Any]) -> dict[str, str]:
    """One dataset of a run, as it is kept in its record.

    Args:
        name: The dataset's.
        digest: Hash of the part that the run uses; runs of the same digest used the same.
        context: What it is for: `training` or `test`.
        place: Where it is described, as the run's tag says it.
        profile: Numbers of images and the like, the same for all runs of the digest: MLflow keeps one entry for them.
    """
    return {
        "name": name, "digest": digest[:_DIGEST], "context": context, "place": place,
        "profile": json.dumps(dict(profile)),
    }  # fmt: skip


def to_mlflow(kept: Mapping[str, str]) -> "DatasetInput":
    """MLflow's entry for `dataset_input`."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    # MLflow has no type for a dataset card; a source of `code` is any description by tags.
    dataset = Dataset(
        name=kept["name"], digest=kept["digest"], source_type="code",
        source=json.dumps({"tags": {"dataset.place": kept["place"]}}), profile=kept["profile"],
    )  # fmt: skip
    return DatasetInput(dataset=dataset, tags=[InputTag(key="mlflow.data.context", value=kept["context"])])
