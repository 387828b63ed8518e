"""Datasets: cards, sources, manifests, and checks of the data.

Names load on first use, so that a list of datasets costs little.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
