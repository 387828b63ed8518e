"""Published numbers, and whether the runs of this machine come to the same."""

from workbench.verification.check import Check, Verdict
from workbench.verification.expected import Expected, Protocol, read_expected
from workbench.verification.listing import choose, installed_expected, read_places
from workbench.verification.verify import verify

__all__ = [
    "Check",
    "Expected",
    "Protocol",
    "Verdict",
    "choose",
    "installed_expected",
    "read_expected",
    "read_places",
    "verify",
]
