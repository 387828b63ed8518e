"""Pretrained dual encoders: what they are called, what identifies them, and how they load.

Importing this package imports neither torch nor open_clip.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
