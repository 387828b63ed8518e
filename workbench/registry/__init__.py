"""One typed registry over entry points, for recipes, models and datasets.

Listing names imports no plug-in. A plug-in that fails to import is listed as broken with its reason and stops no other;
two packages that claim a name make that name an error that says who they are.
"""

from workbench.registry._registry import Listing, Owner, Registry, closest

__all__ = ["Listing", "Owner", "Registry", "closest"]
