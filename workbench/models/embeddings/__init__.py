"""Embeddings that somebody else has computed, as a model: `features:FILE`."""

from workbench.models.embeddings.encoder import EmbeddingsEncoder
from workbench.models.embeddings.table import EmbeddingTable, read_embeddings

__all__ = ["EmbeddingTable", "EmbeddingsEncoder", "read_embeddings"]
