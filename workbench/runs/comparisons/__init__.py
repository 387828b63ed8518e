"""Run groups and their comparison: runs that differ in the seed alone, compared pair by pair and by rank."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
