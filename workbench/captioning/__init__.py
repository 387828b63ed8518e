"""Captions for images: written by a decoder, or taken from those that people wrote of similar images.

Importing this package does not import torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
