"""What came of comparing a published number with ours."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from workbench.verification.expected import Expected

Verdict = Literal["pass", "fail", "not here", "other protocol"]
"""`not here` and `other protocol` are no results: nothing was compared."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Check:
    """A published number beside ours.

    Attributes:
        expected: The published number.
        verdict: What came of it.
        ours: Our number, the mean over seeds; None where there is none.
        interval: Its 95 % interval, of a single run that has one.
        runs: Ids of the runs.
        reason: Why there is no number, or why it cannot be compared.
    """

    expected: Expected
    verdict: Verdict
    ours: float | None = None
    interval: tuple[float, float] | None = None
    runs: tuple[str, ...] = ()
    reason: str = ""

    @property
    def difference(self) -> float | None:
        """Ours minus theirs."""
        return None if self.ours is None else self.ours - self.expected.value

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = {**asdict(self.expected), "protocol": self.expected.protocol.model_dump()}
        theirs = values.pop("value")
        return {
            **values,
            "theirs": theirs,
            "ours": self.ours,
            "difference": self.difference,
            "ci_low": self.interval[0] if self.interval else None,
            "ci_high": self.interval[1] if self.interval else None,
            "verdict": self.verdict,
            "reason": self.reason,
            "run_ids": list(self.runs),
        }


def compared(
    expected: Expected, ours: float, interval: tuple[float, float] | None = None, runs: tuple[str, ...] = ()
) -> Check:
    """The check of a number of ours; one that is no number fails."""
    close = math.isfinite(ours) and abs(ours - expected.value) <= expected.tolerance + _ROUNDING
    return Check(expected, "pass" if close else "fail", ours, interval, runs)
