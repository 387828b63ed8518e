"""A domain-adaptation and evaluation workbench for CLIP.

The names for notebooks are here; those for authors of plug-ins are in `workbench.plugin`. Names load on first
use, so that the command line answers at once.
"""

import lazy_loader

from workbench._version import __version__

_getattr, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = _getattr
__all__ = ["__version__", *_names]  # noqa: PLE0604 - the stub is the one list of names
