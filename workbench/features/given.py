"""Features that came with a file of embeddings, into the store, as if they had been computed."""

from collections.abc import Sequence

import numpy as np

from workbench.errors import ModelError
from workbench.features._pipeline import Job
from workbench.features._protocols import ImageSource
from workbench.features._shard import KEY_BYTES
from workbench.features._writer import Writer
from workbench.features.store import FeatureStore
from workbench.features.views import EVAL
from workbench.models.embeddings import EmbeddingsEncoder


def take_given(
    jobs: Sequence[Job], dataset: ImageSource, encoder: EmbeddingsEncoder, store: FeatureStore, view: str
) -> dict[bytes, str]:
    """Store the features of images that the file lists; nothing is decoded.

    Args:
        jobs: The images that the store lacks, at least one.
        dataset: Gives their names.
        encoder: The file.
        store: The feature store.
        view: Must be `eval`.

    Returns:
        Why others have no features, by key.

    Raises:
        ModelError: Boxes or tiles are asked for, or two images of different content have one name.
    """
    if view != EVAL:
        raise ModelError(
            f"model {encoder.name!r}: it holds embeddings of whole images; boxes and tiles need the model itself."
        )
    keys = np.frombuffer(b"".join(job.key for job in jobs), np.uint8).reshape(-1, KEY_BYTES)
    listed, features = encoder.given(dataset.ids(np.array([job.row for job in jobs])), keys)
    with Writer(store.images(encoder, view), store.shard_rows, store.shard_seconds) as writer:
        writer.add([jobs[i].key for i in listed], {"pooled": features.pooled, "projected": features.projected})
    lacking = set(range(len(jobs))) - set(listed.tolist())
    return {jobs[i].key: encoder.why_not_listed for i in sorted(lacking)}
