"""Explain import errors where another distribution's package hides one of ours.

`adapters`, `workbench` and `benchmarks` are also import names of other projects on the package index.
"""

from importlib.metadata import EntryPoint, packages_distributions
from importlib.util import find_spec


def shadowed_by(point: EntryPoint) -> str | None:
    """One sentence if the entry point's top-level package belongs to another distribution, else None."""
    package = point.value.partition(":")[0].strip().partition(".")[0]  # `module` fails where the value is damaged.
    if not package.isidentifier():
        return None
    distribution = point.dist.name if point.dist else ""
    owners = sorted({owner for owner in packages_distributions().get(package, []) if owner != distribution})
    spec = find_spec(package)
    place = spec.origin or next(iter(spec.submodule_search_locations or []), None) if spec else None
    if owners:
        return (
            f"the import name {package!r} of {distribution} is shadowed by {', '.join(owners)} (found at {place}); "
            f"install {distribution} in an environment without {owners[0]}."
        )
    return None
