"""The registry: names from installed distributions' metadata, objects imported at their first use."""

import difflib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from workbench.errors import UnknownNameError, WorkbenchError
from workbench.registry._shadow import shadowed_by
from workbench.texts import shown

T = TypeVar("T")

_LONGEST = 500

_REFERENCE = re.compile(r"\w[\w.]*\s*(:\s*\w[\w.]*)?\s*(\[.*\])?\s*")


@dataclass(frozen=True)
class Listing:
    """One name of a registry, known without importing anything.

    Attributes:
        name: The entry point's name.
        provider: Distribution and version, `clip-workbench 0.1.0`; several, comma-separated, in a collision.
        problem: Why the name cannot be used, or None.
    """

    name: str
    provider: str
    problem: str | None = None


@dataclass(frozen=True)
class Owner:
    """The distribution that offers a name.

    Attributes:
        name: Normalised (PEP 503), without a version.
        editable: Whether it is installed in place, so that its files may change at any time.
    """

    name: str
    editable: bool


def closest(name: str, known: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` for the nearest of `known`, or an empty string."""
    if len(name) > _LONGEST:  # No name is as long, and the comparison takes the square of its length.
        return ""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.55)
    return f" Did you mean {matches[0]!r}?" if matches else ""


class Registry(Generic[T]):
    """Objects of one kind that installed distributions offer under an entry-point group.

    Args:
        group: Entry-point group, for example `workbench.recipes`.
        kind: The noun for an entry in messages, for example `recipe`.
        check: Turns the imported object into a `T`, or raises `WorkbenchError` with the reason why it cannot.
            It receives the object and the entry point.
        load: Turns an entry point into an object; by default it is imported.
    """

    def __init__(
        self,
        group: str,
        kind: str,
        check: Callable[[Any, EntryPoint], T],
        load: Callable[[EntryPoint], Any] = EntryPoint.load,
    ) -> None:
        self.group = group
        self.kind = kind
        self._check = check
        self._load = load

    @cached_property
    def _points(self) -> dict[str, list[EntryPoint]]:
        points: dict[str, list[EntryPoint]] = defaultdict(list)
        for point in entry_points(group=self.group):
            # An editable install can leave the same distribution twice on the path.
            if all(_provider(point) != _provider(listed) for listed in points[point.name]):
                points[point.name].append(point)
        return dict(sorted(points.items()))

    def names(self) -> list[str]:
        """All names, sorted; imports no plug-in."""
        return list(self._points)

    def listing(self, *, probe: bool = False) -> list[Listing]:
        """Every name with its provider.

        Args:
            probe: Import each entry too, so that broken ones carry their reason.
        """
        return [self._listing(name, probe) for name in self._points]

    def _listing(self, name: str, probe: bool) -> Listing:
        problem = None
        try:
            if probe or len(self._points[name]) > 1:
                self.get(name)
        except WorkbenchError as error:
            problem = str(error)
        return Listing(name, ", ".join(_provider(point) for point in self._points[name]), problem)

    def provider(self, name: str) -> str:
        """Distribution and version behind `name`."""
        return _provider(self._point(name))

    def distribution(self, name: str) -> Owner:
        """The distribution behind `name`, whichever version of it is installed."""
        dist = self._point(name).dist
        if dist is None:
            return Owner("unknown", editable=True)
        origin = json.loads(dist.read_text("direct_url.json") or "{}")
        return Owner(re.sub(r"[-_.]+", "-", dist.name).lower(), bool(origin.get("dir_info", {}).get("editable")))

    def name_of(self, value: str) -> str | None:
        """The name under which an object reference (`module:attribute`) is registered, if any; imports nothing."""
        return next((point.name for points in self._points.values() for point in points if point.value == value), None)

    def get(self, name: str) -> T:
        """Import and return the object called `name`.

        Raises:
            UnknownNameError: Nothing has that name.
            WorkbenchError: Two distributions claim it, it fails to import, or it is not of this registry's kind.
        """
        point = self._point(name)
        try:
            _check_value(point)
            return self._check(self._load(point), point)
        except WorkbenchError:
            raise
        except (Exception, SystemExit) as error:  # A plug-in may do anything when it is imported.
            kind = "it exits when it is imported" if isinstance(error, SystemExit) else type(error).__name__
            reason = shadowed_by(point) or f"{kind}: {error}"
            raise WorkbenchError(
                f"{self.kind} {name!r} of {_provider(point)} cannot be loaded: {shown(reason)}"
            ) from error

    def _point(self, name: str) -> EntryPoint:
        points = self._points.get(name)
        if not points:
            hint = closest(name, self._points) or f" `workbench list {self.kind}s` shows what there is."
            raise UnknownNameError(f"No {self.kind} is called {shown(repr(name), 80)}.{hint}")
        if len(points) > 1:
            owners = " and ".join(_provider(point) for point in points)
            raise WorkbenchError(f"{self.kind} {name!r} is claimed by {owners}; uninstall one of them.")
        return points[0]


def _check_value(point: EntryPoint) -> None:
    if not _REFERENCE.fullmatch(point.value):
        raise ValueError(f"its entry point says {point.value!r}, where 'package.module:object' is expected")


def _provider(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown distribution"
