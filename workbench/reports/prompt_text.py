"""How much wordings matter, as text and as JSON."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.formatting import counted, format_p
from workbench.metrics import Estimate
from workbench.metrics.formatting import format_difference, format_interval, format_value
from workbench.prompting import PromptComparison, TemplateResult, WordingFaults

_SHOWN = 5


def prompts_text(found: PromptComparison) -> str:
    """A line a template, the ensemble, the spread, and what the tokenizer does to the sentences."""
    groups = "" if found.groups is None else f" of {counted(found.groups, 'group')}"
    lines = [
        f"{found.dataset}, {found.model}: {found.metric} on {counted(found.images, 'validation image')}{groups}",
        "",
    ]
    rows = [*(_row(found.metric, each) for each in found.templates)]
    rows.append([_value(found.metric, found.ensemble), "", f"ensemble of {counted(len(found.templates), 'template')}"])
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for value, difference, name in rows:
        lines.append(f"  {value:<{widths[0]}}  {difference:<{widths[1]}}  {name}".rstrip())
    lines += ["", *_sentences(found)]
    return "\n".join(lines)


def prompts_json(found: PromptComparison) -> dict[str, Any]:
    """The same for programs; values in 0..1 as in run records."""
    return {
        "dataset": found.dataset,
        "model": found.model,
        "metric": found.metric,
        "images": found.images,
        "groups": found.groups,
        "templates": [_template_json(each) for each in found.templates],
        "ensemble": _estimate_json(found.ensemble),
        "spread": None if math.isnan(found.spread) else found.spread,
        "cut": list(found.faults.cut),
        "unknown": list(found.faults.unknown),
        "merged": [list(pair) for pair in found.faults.merged],
        "notes": list(found.notes),
    }


def _row(metric: str, each: TemplateResult) -> list[str]:
    difference = ""
    if each.difference is not None and each.p_value is not None:
        own = each.difference
        interval = _points(metric, own.low, own.high)
        difference = f"{format_difference(metric, own.value)} {interval} {format_p(each.p_value)}"
    return [_value(metric, each.estimate), difference, each.template]


def _value(metric: str, estimate: Estimate) -> str:
    interval = format_interval(metric, estimate.low, estimate.high)
    return f"{format_value(metric, estimate.value, unit=True)} {interval}".rstrip()


def _points(metric: str, low: float, high: float) -> str:
    ends = (format_difference(metric, end).removesuffix(" points") for end in (low, high))
    return f"[{', '.join(ends)}]"


def _sentences(found: PromptComparison) -> Iterator[str]:
    if len(found.templates) > 1:
        metric, values = found.metric, found.values
        best, worst = found.templates[int(values.argmax())], found.templates[int(values.argmin())]
        sd = format_difference(metric, found.spread).removeprefix("+")
        yield (
            f"Templates differ by {format_difference(metric, float(values.max() - values.min())).removeprefix('+')} "
            f"(standard deviation {sd}): the best is {best.template!r}, the worst {worst.template!r}."
        )
        yield "Differences are to the ensemble, on the same images; p-values are Holm-corrected over the templates."
        yield "The best of several looks better on these images than it will on others; test images were not looked at."
    if not found.ensemble.reliable:
        yield "So few images or groups make no reliable interval."
    yield from _faults(found.faults)


def _faults(faults: WordingFaults) -> Iterator[str]:
    if faults.cut:
        yield (
            f"The text tower does not see the end of {counted(len(faults.cut), 'sentence')}, which "
            f"{'has' if len(faults.cut) == 1 else 'have'} more tokens than it takes: {_some(faults.cut)}."
        )
    if faults.unknown:
        yield (
            f"{counted(len(faults.unknown), 'class name')} {'has' if len(faults.unknown) == 1 else 'have'} a part that "
            f"the tokenizer does not know: {_some(faults.unknown)}."
        )
    if faults.merged:
        pairs = [f"{first} and {second}" for first, second in faults.merged]
        yield (
            f"{counted(len(faults.merged), 'pair')} of classes {'is' if len(pairs) == 1 else 'are'} one text to the "
            f"tokenizer in every template, so that no image can tell them apart: {_some(pairs)}."
        )


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + rest


def _template_json(each: TemplateResult) -> dict[str, Any]:
    own = each.difference
    difference = None
    if own is not None:
        difference = {
            "value": own.value, "low": own.low, "high": own.high, "p_value": own.p_value, "p_corrected": each.p_value,
            "test": own.test,
        }  # fmt: skip
    return {"template": each.template, **_estimate_json(each.estimate), "minus_ensemble": difference}


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "reliable": estimate.reliable}
