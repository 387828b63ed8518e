"""Published numbers beside ours: on the terminal, and as a report in HTML, Markdown and JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workbench.formatting import MISSING, counted, format_number
from workbench.metrics.metric import PER_CENT
from workbench.metrics.registry import all_metrics
from workbench.outputs import OutputError, write_output
from workbench.reports._text import plain
from workbench.reports.suite.blocks import Block, Bullets, Heading, Paragraph, TableBlock, TextCell
from workbench.reports.suite.markdown import to_markdown
from workbench.reports.suite.write import to_html
from workbench.texts import json_text
from workbench.verification import Check

_HEADER = ("model", "dataset", "recipe", "shots", "metric", "published", "ours", "difference", "tolerance", "verdict")
_COMPARED = ("pass", "fail")


def verification_text(checks: Sequence[Check]) -> str:
    """A table of what was compared, reasons for the rest, and how many there are of each."""
    rows = [_row(check) for check in _with_numbers(checks)]
    lines = []
    if rows:
        table = [_HEADER, *rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(_HEADER))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
        ]
        lines.append("")
    lines += [f"{verdict}: {plain(sentence)}" for verdict, sentence in _reasons(checks)]
    return "\n".join([*lines, _summary(checks)])


def write_verification(checks: Sequence[Check], folder: Path) -> list[Path]:
    """Write `verification.html`, `verification.md` and `verification.json`.

    Args:
        checks: What was compared.
        folder: Made if it is not there; files of an earlier report are replaced.

    Returns:
        The files.

    Raises:
        OutputError: The folder cannot be written.
    """
    blocks = _blocks(checks)
    content = json.dumps([check.to_dict() for check in checks], indent=1, ensure_ascii=False)
    files = {
        folder / "verification.html": to_html(blocks),
        folder / "verification.md": to_markdown(blocks, "figures"),
        folder / "verification.json": json_text(content) + "\n",
    }
    try:
        for path, text in files.items():
            write_output(path, text.encode(errors="backslashreplace"))
    except OutputError as error:
        raise OutputError(f"--to {error}") from error
    return list(files)


def _blocks(checks: Sequence[Check]) -> list[Block]:
    blocks: list[Block] = [Heading(1, "Published numbers and ours"), Paragraph(_summary(checks))]
    rows = tuple(
        tuple(TextCell(cell, strong=check.verdict == "fail" and cell == "fail") for cell in _row(check))
        for check in _with_numbers(checks)
    )
    if rows:
        blocks += [Heading(2, "Compared"), TableBlock(_HEADER, rows, numbers=False)]
    reasons = _reasons(checks)
    if reasons:
        blocks += [Heading(2, "Without a number"), Bullets(tuple(f"{verdict}: {text}" for verdict, text in reasons))]
    return [*blocks, Heading(2, "How they were measured"), Bullets(tuple(_protocols(checks)))]


def _with_numbers(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.ours is not None]


def _row(check: Check) -> tuple[str, ...]:
    expected, ours = check.expected, check.ours
    mine = _value(check, ours)
    if check.interval:
        low, high = check.interval
        mine += f" [{_value(check, low)}, {_value(check, high)}]"
    cells = (
        expected.model,
        expected.dataset,
        expected.recipe,
        str(expected.shots),
        expected.metric,
        _value(check, expected.value),
        mine,
        _signed(_value(check, check.difference)),
        _value(check, expected.tolerance),
        check.verdict,
    )
    return tuple(map(plain, cells))


def _value(check: Check, value: float | None) -> str:
    """Shares in per cent with two digits, as they are published; other metrics in their unit."""
    if value is None:
        return MISSING
    metric = all_metrics().get(check.expected.metric)
    is_share = metric is not None and metric.unit == PER_CENT
    return f"{100 * value:z.2f}" if is_share else format_number(value)


def _signed(number: str) -> str:
    return number if number.startswith("-") or not number.strip("0.") else f"+{number}"


def _reasons(checks: Sequence[Check]) -> list[tuple[str, str]]:
    """Why numbers are missing, each reason once, with how many numbers it takes."""
    counts = Counter((check.verdict, check.reason) for check in checks if check.ours is None)
    return [(verdict, f"{reason} ({counted(count, 'number')})") for (verdict, reason), count in counts.items()]


def _protocols(checks: Sequence[Check]) -> list[str]:
    """Protocol and source of each published number, those that share them once."""
    seen: dict[str, None] = {}
    for check in checks:
        expected, protocol = check.expected, check.expected.protocol
        parts = [
            f"{expected.dataset}, {expected.recipe}: {protocol.split}",
            protocol.templates and f"prompts: {protocol.templates}",
            f"metric: {protocol.metric or expected.metric}",
            protocol.note,
            f"source: {expected.source}",
            expected.checked and f"checked: {expected.checked}",
        ]
        seen.setdefault("; ".join(part.strip().rstrip(".") for part in parts if part) + ".")
    return list(seen)


def _summary(checks: Sequence[Check]) -> str:
    counts = Counter(check.verdict for check in checks)
    parts = [f"{counts['pass']:,} passed", f"{counts['fail']:,} failed"]
    if counts["not here"]:
        parts.append(f"{counts['not here']:,} not here")
    if counts["other protocol"]:
        parts.append(f"{counts['other protocol']:,} of another protocol than the data here")
    nothing = "" if any(check.verdict in _COMPARED for check in checks) else " Nothing was compared."
    return f"{', '.join(parts)}.{nothing}"
