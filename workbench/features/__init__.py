"""Features, computed once and kept."""

from workbench.features.cached_model import CachedModel
from workbench.features.extraction import Extraction, extract
from workbench.features.store import FeatureStore, Usage, prune, usage

__all__ = ["CachedModel", "Extraction", "FeatureStore", "Usage", "extract", "prune", "usage"]
