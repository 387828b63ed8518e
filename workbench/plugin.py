"""The names that authors of plug-ins import: recipes, tasks, metrics, sources, models, and their parts.

Names load on first use, so that a plug-in costs nothing before it is used.
"""

import lazy_loader

# The stub beside this file is the one list of names; its imports are relative to the package that this module lies in.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub("workbench", __file__)
