"""What the tokenizer of a text tower cuts off, does not know, or cannot tell apart in the sentences of a card."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.datasets.prompts import ClassPrompts
from workbench.models import Encoder
from workbench.models.token_reading import ReadText, read_texts


@dataclass(frozen=True)
class WordingFaults:
    """Faults of the sentences of a card for one tokenizer.

    Attributes:
        cut: Sentences whose end the tower does not see.
        unknown: Class names with a part that the tokenizer does not know.
        merged: Pairs of classes that have the same tokens in every template, so that no image can tell them apart.
    """

    cut: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    merged: tuple[tuple[str, str], ...] = ()


def wording_faults(encoder: Encoder, prompts: ClassPrompts) -> WordingFaults:
    """Look at all sentences that zero-shot asks a model for; loads the model.

    Args:
        encoder: A model with a tokenizer; one of embeddings of others has none, and no faults.
        prompts: Classes, templates and descriptions.
    """
    tokenizer = encoder.tokenizer
    if tokenizer is None:
        return WordingFaults()
    ensemble = prompts.sentences("ensemble")
    described = [list(prompts.descriptions.get(name, ())) for name in prompts.class_names]
    absent = prompts.negatives("ensemble")
    texts = list(dict.fromkeys(text for lists in (ensemble, described, absent) for own in lists for text in own))
    read = dict(zip(texts, read_texts(tokenizer, texts), strict=True))
    names = dict.fromkeys(name for name in prompts.spoken if name)
    unknown = [name for name, own in zip(names, read_texts(tokenizer, list(names)), strict=True) if own.unknown]
    return WordingFaults(
        cut=tuple(text for text in texts if read[text].is_cut),
        unknown=tuple(unknown),
        merged=_merged(prompts.class_names, [[read[text] for text in sentences] for sentences in ensemble]),
    )


def _merged(names: Sequence[str], sentences: Sequence[Sequence[ReadText]]) -> tuple[tuple[str, str], ...]:
    first: dict[tuple[tuple[int, ...], ...], str] = {}
    pairs = []
    for name, read in zip(names, sentences, strict=True):
        key = tuple(text.tokens for text in read)
        if first.setdefault(key, name) != name:
            pairs.append((first[key], name))
    return tuple(pairs)
