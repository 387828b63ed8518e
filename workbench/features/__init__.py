"""Features, computed once per model fingerprint and content, and kept on disk.

Importing this package imports no network library, and neither does reading features that are stored.
"""

from workbench.features._files import CacheError
from workbench.features.cached_model import CachedModel
from workbench.features.extraction import Extraction, extract
from workbench.features.store import FeatureStore
from workbench.features.texts import TextCache
from workbench.features.usage import ModelUsage, Pruned, cache_usage, feature_leftovers, prune, remove

__all__ = [
    "CacheError",
    "CachedModel",
    "Extraction",
    "FeatureStore",
    "ModelUsage",
    "Pruned",
    "TextCache",
    "cache_usage",
    "extract",
    "feature_leftovers",
    "prune",
    "remove",
]
