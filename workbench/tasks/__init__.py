"""Tasks: what is asked of a dataset, what recipes are given for it, and what they return.

Importing this package imports no task.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
