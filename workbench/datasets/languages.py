"""A card in another of its languages: names, templates, descriptions and captions, none left over from the first."""

from typing import Any

from workbench.datasets.card import DatasetCard
from workbench.datasets.card_reading import make_card
from workbench.errors import CardError
from workbench.registry import closest


def card_languages(card: DatasetCard) -> tuple[str, ...]:
    """The card's languages, its own first."""
    return (card.language, *(name for name in card.languages if name != card.language))


def in_language(card: DatasetCard, language: str) -> DatasetCard:
    """The card as if it had been written in `language` alone.

    Raises:
        CardError: The card has no such language, or says less in it than its task needs: a class without a name, a
            classification without templates, a column of texts without its counterpart.
    """
    if language == card.language:
        return card.model_copy(update={"languages": {}})
    if language not in card.languages:
        known = card_languages(card)
        hint = closest(language, known) or f" It has: {', '.join(known)}."
        raise CardError(f"card {card.name!r}: has no language {language!r}.{hint}")
    table, place = card.languages[language], f"card {card.name!r}: languages.{language}"
    replaced = {"languages", "language", "classes", "prompts"}
    values: dict[str, Any] = card.model_dump(exclude_unset=True, exclude=replaced)
    values["language"] = language
    stray = next((key for key in table.classes if card.classes and key not in card.classes), None)
    if stray is not None:
        raise CardError(f"{place}.classes names {stray!r}, which is no class.{closest(stray, card.classes)}")
    if card.classes:
        unnamed = next((key for key in card.classes if key not in table.classes), None)
        if unnamed is not None:
            raise CardError(f"{place}.classes has no name for {unnamed!r}; every class needs one.")
        values["classes"] = {key: table.classes[key] for key in card.classes}
    elif table.classes:
        values["classes"] = dict(table.classes)
    lack = card.language_lacks(table)
    if lack is not None:
        raise CardError(f"{place} needs {lack}.")
    values["prompts"] = {
        **({"templates": table.templates} if table.templates else {}),
        "negative_templates": table.negative_templates,
        "descriptions": table.descriptions,
        "descriptions_file": table.descriptions_file,
    }
    columns = dict(values.get("columns") or {})
    for role in card.columns.texts:
        if columns.get(role) is None:
            continue
        if role in table.columns:
            columns[role] = table.columns[role]
        elif not card.reads_items:
            columns[role] = None  # The task does not read captions.
        else:
            raise CardError(f"{place}.columns has no {role!r}, which task {card.task!r} reads.")
    values["columns"] = columns
    return make_card(values)
