"""One typed registry over entry points, for recipes, models and datasets.

Listing names imports no plug-in. A plug-in that fails to import is listed as broken with its reason and stops no other;
a name that two packages claim raises an error that names them.
"""

from workbench.registry._registry import Listing, Owner, Registry, closest

__all__ = ["Listing", "Owner", "Registry", "closest"]
