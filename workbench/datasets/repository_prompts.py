"""Class names and templates that lie with the data, as the repositories `clip-benchmark/wds_*` have them.

The layout is that of CLIP benchmark (LAION, `clip_benchmark/datasets/builder.py`, `build_wds_dataset`): line n of
`classnames.txt`, counted from 0, is the name of label n, and `zeroshot_classification_templates.txt` has a template a
line, with `{c}` in the place of the name.
"""

from collections import Counter
from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.sources import Source
from workbench.errors import DataError

CLASS_NAMES = "classnames.txt"
TEMPLATES = "zeroshot_classification_templates.txt"


def with_repository_prompts(card: DatasetCard, source: Source) -> DatasetCard:
    """The card with names and templates that lie with the data, where it asks for them and has none of its own.

    Several classes may share a name there (ImageNet has two of "missile"), and one may have none. Such a class is told
    apart by its label, and what it is called there stands in `prompts.names`.

    Raises:
        DataError: A file is missing, or a template has no place for the name.
    """
    if card.prompts.source != "repository":
        return card
    changed: dict[str, Any] = {}
    prompts: dict[str, Any] = {}
    if not card.classes:
        lines = _lines(CLASS_NAMES, card, source, "the names in [classes]")
        changed["classes"], prompts["names"] = _told_apart(lines)
        prompts["names"] |= card.prompts.names
    if "templates" not in card.prompts.model_fields_set:
        lines = _lines(TEMPLATES, card, source, "prompts.templates")
        prompts["templates"] = tuple(_template(line, number, source) for number, line in enumerate(lines, 1))
    changed["prompts"] = card.prompts.model_copy(update=prompts)
    return card.model_copy(update=changed)


def _lines(name: str, card: DatasetCard, source: Source, instead: str) -> list[str]:
    found = source.text_file(name)
    lines = [line.strip() for line in (found or "").splitlines()]
    if not lines:
        lack = "has no" if found is None else "has an empty"
        raise DataError(
            f"dataset {card.name!r}: prompts.from = 'repository', and {source.root} {lack} {name}; write {instead} "
            "into the card."
        )
    return lines


def _told_apart(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Raw label to class name, and class name to its line where that is another."""
    times = Counter(lines)
    classes = {
        str(label): line if line and times[line] == 1 else f"{line} ({label})".strip() if line else f"class {label}"
        for label, line in enumerate(lines)
    }
    return classes, {name: lines[int(label)] for label, name in classes.items() if name != lines[int(label)]}


def _template(line: str, number: int, source: Source) -> str:
    template = line.replace("{c}", "{}")
    if template.count("{}") != 1:
        raise DataError(
            f"{source.root}: {TEMPLATES}, line {number}: expected the class name's place {{c}} exactly once, got "
            f"{line!r}."
        )
    return template
